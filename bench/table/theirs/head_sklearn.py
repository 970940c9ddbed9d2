"""The reference's head in scikit-learn, on arrays, as far as MLPClassifier goes: it knows no dropout.

    PYTHONPATH=.deps/table python head_sklearn.py --arrays DIR --epochs N --seed N
"""

import time
import warnings

import arrays
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier


def main():
    o = arrays.options(__doc__)
    _, splits = arrays.read(o.arrays)
    warnings.simplefilter("ignore", ConvergenceWarning)  # it is meant to stop after so many epochs
    model = MLPClassifier((128,), solver="adam", alpha=0, batch_size=32, learning_rate_init=1e-3, max_iter=o.epochs,
                          n_iter_no_change=o.epochs + 1, tol=0, random_state=o.seed)
    start = time.monotonic()
    model.fit(*splits["train"])
    took = time.monotonic() - start  # it tells no single epoch
    val, test = (model.score(*splits[name]) for name in ("val", "test"))
    arrays.answer(val, test, [took / model.n_iter_] * model.n_iter_)


if __name__ == "__main__":
    main()
