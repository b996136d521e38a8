# Room card: bench/peers/python/quant
# In:    a folder with returns as column-major float64 (returns-ASSETS.f64, DAYS rows), garch.f64 and options.f64;
#        names of measurements, all without.
# Out:   one JSON object: for each measurement the milliseconds (median and best) and what the rival answers.
# Holds: the packages as their users call them, imports and the making of the arguments not timed; one warm-up.
# Costs: half a minute.
import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
DAYS = 1_000
folder = Path(sys.argv[1])


def returns(assets):
    values = np.fromfile(folder / f"returns-{assets}.f64").reshape(assets, DAYS).T
    return pd.DataFrame(values, columns=[f"a{n}" for n in range(assets)])


def measured(work, rounds):
    times = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        answer = work()
        times.append((time.perf_counter() - begun) * 1e3)
    times = sorted(times[1:])
    return {"median": times[len(times) // 2], "best": times[0], "answer": answer}


def weights(frame, of):
    return [float(of[name]) for name in frame.columns]


def hrp_pypfopt(assets, rounds):
    from pypfopt import HRPOpt

    frame = returns(assets)
    return measured(lambda: weights(frame, HRPOpt(frame).optimize("single")), rounds)


def hrp_skfolio(assets, rounds):
    from skfolio import RiskMeasure
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import PearsonDistance
    from skfolio.optimization import HierarchicalRiskParity

    frame = returns(assets)
    model = HierarchicalRiskParity(
        risk_measure=RiskMeasure.VARIANCE,
        distance_estimator=PearsonDistance(),
        hierarchical_clustering_estimator=HierarchicalClustering(linkage_method=LinkageMethod.WARD),
    )
    return measured(lambda: model.fit(frame).weights_.tolist(), rounds)


def min_variance(assets, rounds):
    from pypfopt import EfficientFrontier

    frame = returns(assets)
    mean, covariance = frame.mean(), frame.cov()
    return measured(lambda: weights(frame, EfficientFrontier(mean, covariance).min_volatility()), rounds)


def min_cvar(assets, rounds):
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk

    frame = returns(assets)
    model = MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=0.95)
    return measured(lambda: model.fit(frame).weights_.tolist(), rounds)


def monte_carlo(paths, assets, rounds):
    deviation = 0.01 + 0.001 * np.arange(assets)
    correlation = np.full((assets, assets), 0.3) + 0.7 * np.eye(assets)
    root = np.linalg.cholesky(correlation * np.outer(deviation, deviation))
    exposure = 100.0 * np.where(np.arange(assets) % 3 == 0, -4.0, 7.0)

    def work():
        generator = np.random.default_rng(7)
        gains = np.sort(generator.standard_normal((paths, assets)) @ root.T @ exposure)
        tail = paths // 20
        return [float(-gains[tail]), float(-gains[:tail].mean())]

    return measured(work, rounds)


def garch(rounds):
    from arch import arch_model

    values = np.fromfile(folder / "garch.f64")

    def work():
        fit = arch_model(values, mean="Constant", vol="GARCH", p=1, q=1, rescale=False).fit(disp="off")
        return [float(value) for value in fit.params] + [float(fit.loglikelihood)]

    return measured(work, rounds)


def greeks(rounds):
    from vollib.black_scholes_merton.greeks.analytical import delta, gamma, rho, theta, vega

    names = [delta, gamma, vega, theta, rho]
    spot, strike, years, rate, dividend, volatility = np.fromfile(folder / "options.f64").reshape(6, -1)
    lines = list(zip(*(column.tolist() for column in (spot, strike, years, rate, volatility, dividend))))
    flags = ["c" if n % 2 == 1 else "p" for n in range(len(lines))]

    found = measured(lambda: [delta(flag, *line) for flag, line in zip(flags, lines)], rounds)
    answer = [[greek(flag, *line) for greek in names] for flag, line in zip(flags, lines)]
    calls = len(lines)
    return {"median": found["median"] / calls, "best": found["best"] / calls, "answer": answer}


parts = {
    "hrp-pypfopt-100": lambda: hrp_pypfopt(100, 5),
    "hrp-pypfopt-500": lambda: hrp_pypfopt(500, 3),
    "hrp-skfolio-100": lambda: hrp_skfolio(100, 5),
    "hrp-skfolio-500": lambda: hrp_skfolio(500, 3),
    "min-variance-100": lambda: min_variance(100, 7),
    "min-variance-500": lambda: min_variance(500, 5),
    "min-cvar": lambda: min_cvar(20, 5),
    "monte-carlo": lambda: monte_carlo(1_000_000, 20, 3),
    "garch": lambda: garch(9),
    "greeks": lambda: greeks(30),
}
wanted = sys.argv[2:] or list(parts)
packages = ["numpy", "pandas", "scipy", "pyportfolioopt", "skfolio", "arch", "vollib", "cvxpy", "clarabel"]
found = {name: parts[name]() for name in wanted}
print(json.dumps({"versions": {name: version(name) for name in packages}, "found": found}))
