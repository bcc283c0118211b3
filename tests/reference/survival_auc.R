# Reference numbers of the time-dependent AUC, from riskRegression's Score on the simulated cohort.
#
#   Rscript tests/reference/survival_auc.R
#
# Debian: r-cran-riskregression, r-cran-jsonlite. Reads survival_cohort.csv, writes survival_auc.json.
suppressMessages({library(survival); library(riskRegression); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(file.path(here, "survival_cohort.csv"))
d$lln <- as.integer(d$lln_status == "positive")
d$relapse <- as.integer(d$event == 1)
base <- coxph(Surv(time_months, relapse) ~ mrcrm + mremvi, data = d, x = TRUE)
more <- coxph(Surv(time_months, relapse) ~ mrcrm + mremvi + lln, data = d, x = TRUE)
s <- Score(list(base = base, more = more), formula = Surv(time_months, relapse) ~ 1, data = d, times = c(24, 36),
           metrics = "auc", conf.int = TRUE, cens.model = "km", null.model = FALSE)
score <- as.data.frame(s$AUC$score); change <- as.data.frame(s$AUC$contrasts)
out <- list(versions = list(R = R.version.string, riskRegression = as.character(packageVersion("riskRegression"))),
            model = as.character(score$model), times = score$times, auc = score$AUC, se = score$se,
            change_times = change$times, change = change$delta.AUC, change_se = change$se, change_p = change$p)
write(toJSON(out, digits = 15, auto_unbox = TRUE, pretty = TRUE), file.path(here, "survival_auc.json"))
