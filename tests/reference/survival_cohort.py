"""Draw the simulated cohort that the survival tests and their R reference scripts share.

    python tests/reference/survival_cohort.py > tests/reference/survival_cohort.csv

Nobody in it is real. Times are whole months, so that many are tied; some values are missing on purpose.
"""

import sys

import numpy as np
import pandas as pd

PATIENTS = 240


def main() -> None:
    """Write the cohort as CSV."""
    draw = np.random.default_rng(20250)
    status = draw.random(PATIENTS) < 0.3
    cohort = pd.DataFrame(
        {
            "age": np.round(draw.normal(62, 10, PATIENTS)),
            "sex": np.where(draw.random(PATIENTS) < 0.6, "male", "female"),
            "lln_status": np.where(status, "positive", "negative"),
            "mrn": np.clip(draw.poisson(0.6 + 0.5 * status), 0, 2),
            "mrcrm": (draw.random(PATIENTS) < 0.25).astype(int),
            "mremvi": (draw.random(PATIENTS) < 0.3).astype(int),
            "cea": np.round(draw.lognormal(1.2, 0.9, PATIENTS), 1),
        }
    )
    risk = 0.8 * status + 0.25 * cohort.mrn + 0.5 * cohort.mrcrm + 0.6 * cohort.mremvi + 0.01 * (cohort.age - 62)
    relapse = draw.exponential(110 * np.exp(-risk))
    death = draw.exponential(260 * np.exp(-0.05 * (cohort.age - 62)))
    censored = draw.uniform(20, 84, PATIENTS)
    time = np.minimum(np.minimum(relapse, death), censored)
    cause = np.select([relapse <= np.minimum(death, censored), death <= censored], [1, 2], 0)
    cohort.insert(0, "time_months", np.maximum(np.ceil(time), 1).astype(int))
    cohort.insert(1, "event", cause)
    cohort.loc[draw.choice(PATIENTS, 12, replace=False), "cea"] = np.nan
    cohort.to_csv(sys.stdout, index=False)


if __name__ == "__main__":
    main()
