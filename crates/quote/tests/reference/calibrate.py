# Independent reference of quote::calibrate: the likelihoods written down as they stand, maximised and profiled with
# mpmath at 40 digits. Run: python3 calibrate.py. Prints the constants of tests/calibrate.rs.
from mpmath import mp, mpf, exp, findroot, log, matrix, sqrt, diff

mp.dps = 40
DROP = mpf('1.920729410347062')


def report(name, log_l, start):
    """Maximum of log_l(ln A, kappa), standard errors from its Hessian, profile intervals."""
    grad = lambda a, k: [diff(log_l, (a, k), (1, 0)), diff(log_l, (a, k), (0, 1))]
    a, k = findroot(lambda a, k: grad(a, k), start)
    h = matrix([[-diff(log_l, (a, k), (2, 0)), -diff(log_l, (a, k), (1, 1))],
                [-diff(log_l, (a, k), (1, 1)), -diff(log_l, (a, k), (0, 2))]]) ** -1
    top = log_l(a, k) - DROP

    def ends_of(which, error):
        found = []
        for sign in (-1, 1):
            if which == 'k':
                f = lambda aa, kk: [log_l(aa, kk) - top, diff(log_l, (aa, kk), (1, 0))]
                near = (a + sign * 2 * h[0, 1] / error, k + sign * 2 * error)
                found.append(findroot(f, near)[1])
            else:
                f = lambda aa, kk: [log_l(aa, kk) - top, diff(log_l, (aa, kk), (0, 1))]
                near = (a + sign * 2 * error, k + sign * 2 * h[0, 1] / error)
                found.append(exp(findroot(f, near)[0]))
        return found

    sa, sk = sqrt(h[0, 0]), sqrt(h[1, 1])
    rows = [exp(a), exp(a) * sa, *ends_of('a', sa)], [k, sk, *ends_of('k', sk)]
    print(name, *[[float(v) for v in row] for row in rows], float(h[0, 1] / sa / sk))


tick = mpf('0.1')
seconds = {1: 600, 2: 300, 3: 100}
orders = {1: 50, 2: 30, 3: 40, 4: 14, 5: 16, 6: 6, 7: 9, 9: 3, 10: 2, 11: 2}
n = sum(orders.values())


def grid(a, k):
    out = -exp(a) * sum(t * exp(-k * tick / 2 * h) for h, t in seconds.items())
    return out + sum(c * (a - k * tick / 2 * h + log(1 - exp(-k * tick))) for h, c in orders.items())


def fills(a, k):
    # Own fills: 36 at 2 half ticks, 15 at 6, 6 at 12 in 1200, 1500, 2100 s; the prior 4 fills at 0.3 (A0 = 0.1, k0 = 4).
    rows = [(36, 1200, mpf(2) * tick / 2), (15, 1500, mpf(6) * tick / 2), (6, 2100, mpf(12) * tick / 2)]
    for times in (mpf('0.5'), mpf('1.5')):
        d = mpf('0.3') * times
        rows.append((2, 2 / (mpf('0.1') * exp(-4 * d)), d))
    return sum(c * (a - k * d) - exp(a) * t * exp(-k * d) for c, t, d in rows)


def continuous(a, k):
    depths = [mpf(x) for x in ('0.31', '0.32', '0.4', '0.45', '0.5', '0.52', '0.61', '0.7', '0.75', '0.9', '1.1', '1.3',
                               '0.33', '0.36', '0.41', '0.48', '0.57', '0.66', '0.83', '1.6', '2.2', '0.39')]
    return sum(a + log(k) - k * d for d in depths) - exp(a) * 50 * exp(-k * mpf('0.3'))


report('grid', grid, (log(mpf('0.3')), mpf(6)))
report('fills', fills, (log(mpf('0.05')), mpf(5)))
rows = [(t, exp(-4 * d), d) for t, d in ((1200, mpf('0.1')), (1500, mpf('0.3')), (2100, mpf('0.6')))]
weight = sum(t * w for t, w, _ in rows)
mean = sum(t * w * d for t, w, d in rows) / weight
print('information', float(57 * sum(t * w * (d - mean) ** 2 for t, w, d in rows) / weight * 16))
report('continuous', continuous, (log(mpf('1')), mpf(2)))
