"""Expected values of tests/base_values.rs, made by other implementations on simulated returns.

Run: python base.py > base.json
Needs numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, scikit-learn 1.9.1, PyPortfolioOpt 1.6.0 (its risk_models alone), scikit-base.
"""
import importlib
import importlib.util
import json
import math
import sys
import types

import numpy as np
import pandas as pd
import scipy.stats as st
from sklearn.covariance import OAS, LedoitWolf

# The package's own door needs a solver that is not used here.
package = types.ModuleType('pypfopt')
package.__path__ = list(importlib.util.find_spec('pypfopt').submodule_search_locations)
sys.modules['pypfopt'] = package
risk_models = importlib.import_module('pypfopt.risk_models')

rows, assets = 80, 5
rng = np.random.default_rng(20260101)
market = rng.standard_t(5, rows) * 0.01
own = rng.standard_normal((rows, assets)) * np.linspace(0.006, 0.02, assets)
returns = 0.0004 + market[:, None] * np.linspace(0.4, 1.4, assets) + own
frame = pd.DataFrame(returns)


def shrunk(target):
    model = risk_models.CovarianceShrinkage(frame, returns_data=True, frequency=1)
    matrix = np.asarray(model.ledoit_wolf(target)).tolist()
    return {'shrinkage': float(model.delta), 'matrix': matrix}


def fitted(model):
    model.fit(returns)
    return {'shrinkage': float(model.shrinkage_), 'matrix': model.covariance_.tolist()}


r, b = returns[:, 4], returns[:, 0]
equity = np.cumprod(1 + r)
active = r - b
slope = st.linregress(b, r)
out = {
    'rows': rows,
    'assets': assets,
    'returns': returns.T.ravel().tolist(),
    'sample': np.cov(returns, rowvar=False).tolist(),
    'condition_number': float(np.linalg.cond(np.cov(returns, rowvar=False))),
    'ewma_97_adjusted': (np.cov(returns, rowvar=False, ddof=0, aweights=0.97 ** np.arange(rows)[::-1])).tolist(),
    'identity': fitted(LedoitWolf()),
    'oas': fitted(OAS()),
    'single_factor': shrunk('single_factor'),
    'constant_correlation': shrunk('constant_correlation'),
    'performance': {
        'total_return': float(equity[-1] - 1),
        'cagr': float(equity[-1] ** (252 / rows) - 1),
        'sharpe_rf_1bp': float((r - 1e-4).mean() / r.std(ddof=1) * math.sqrt(252)),
        'skewness': float(st.skew(r)),
        'kurtosis': float(st.kurtosis(r, fisher=False)),
        'tail_ratio': float(abs(np.percentile(r, 95)) / abs(np.percentile(r, 5))),
        'beta': float(slope.slope),
        'alpha': float(slope.intercept),
        'correlation': float(slope.rvalue),
        'information_ratio': float(active.mean() / active.std(ddof=1) * math.sqrt(252)),
        'spearman_lag_1': float(st.spearmanr(r[:-1], r[1:]).statistic),
    },
}
sr = r.mean() / r.std(ddof=1)
error = math.sqrt((1 - st.skew(r) * sr + (st.kurtosis(r, fisher=False) - 1) / 4 * sr * sr) / (rows - 1))
out['probabilistic_sharpe'] = float(st.norm.cdf((sr - 0.01) / error))
json.dump(out, sys.stdout, indent=1)
