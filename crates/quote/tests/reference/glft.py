# Independent reference of glft.rs: fifty digits of the closed forms, and the control problem solved on a grid.
# Run: python3 glft.py (needs mpmath, numpy, scipy). Prints the constants of tests/glft.rs.
import numpy as np
from mpmath import mp, mpf, log, sqrt
from scipy.integrate import solve_ivp

mp.dps = 50


def closed(A, k, gamma, xi, delta, sigma):
    A, k, gamma, xi, delta, sigma = map(mpf, (A, k, gamma, xi, delta, sigma))
    x = xi * delta / k
    c1 = log(1 + x) / (xi * delta)
    c2 = sqrt(gamma / (2 * A * delta * k) * (1 + x) ** (k / (xi * delta) + 1))
    return [float(v) for v in (c1, c2, c1 + delta / 2 * sigma * c2, sigma * c2)]


def grid(A, k, gamma, xi, delta, sigma, mu, reach=40, horizon=4000.0):
    """Bid and ask distances at q = -delta, 0, delta of the stationary control, from the full Hamilton-Jacobi equation."""
    A, k = np.array(A, float), np.array(k, float)
    C = (1 + xi * delta / k) ** (-(k / (xi * delta) + 1))
    q = np.arange(-reach, reach + 1) * delta

    def slope(_, theta):
        d = np.diff(theta) / delta
        out = mu * q - 0.5 * gamma * sigma**2 * q**2
        out[:-1] += delta * A[0] * C[0] / k[0] * np.exp(k[0] * d)
        out[1:] += delta * A[1] * C[1] / k[1] * np.exp(-k[1] * d)
        return out - out[reach]

    theta = solve_ivp(slope, (0, horizon), np.zeros(q.size), method='LSODA', rtol=1e-9, atol=1e-11).y[:, -1]
    c1 = np.log(1 + xi * delta / k) / (xi * delta)
    d = np.diff(theta) / delta
    return [(c1[0] - d[reach + i], c1[1] + d[reach + i - 1]) for i in (-1, 0, 1)]


if __name__ == '__main__':
    print('known', closed('2.986162360812285', '0.04235741115084049', '0.05', '0.05', 1, '10.69'))
    print('lots ', closed('1.7', '3.5', '0.01', '0.2', '0.25', '0.4'))
    for name, args in {
        'equal      ': ((1.5, 1.5), (2.0, 2.0), 0.01, 0.01, 1.0, 0.3, 0.0),
        'drift      ': ((1.5, 1.5), (2.0, 2.0), 0.01, 0.01, 1.0, 0.3, 0.0003),
        'arrivals   ': ((3.0, 0.8), (2.0, 2.0), 0.01, 0.01, 1.0, 0.3, 0.0),
        'decays     ': ((1.5, 1.5), (2.5, 1.6), 0.01, 0.01, 1.0, 0.3, 0.0),
        'everything ': ((2.4, 1.1), (2.5, 1.7), 0.01, 0.03, 0.5, 0.3, -0.0002),
    }.items():
        print(name, [(round(float(b), 6), round(float(a), 6)) for b, a in grid(*args)])
