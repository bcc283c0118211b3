# Reference numbers of restricted cubic splines, by Hmisc's rcspline.eval in survival's coxph, on the simulated cohort.
#
#   Rscript tests/reference/splines.R
#
# Debian: r-cran-survival, r-cran-hmisc, r-cran-jsonlite. Reads survival_cohort.csv, writes splines.json.
suppressMessages({library(survival); library(Hmisc); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(file.path(here, "survival_cohort.csv"))
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-15, iter.max = 50)
one <- function(name) {
  d <- d[!is.na(d[[name]]), ]; x <- d[[name]]
  basis <- rcspline.eval(x, nk = 4, inclx = TRUE)
  y <- Surv(d$time_months, d$event == 1)
  line <- coxph(y ~ x, control = tight); bent <- coxph(y ~ basis, control = tight)
  lr <- 2 * (bent$loglik[2] - line$loglik[2])
  list(knots = attr(basis, "knots"), first = basis[1, -1], lr = lr, p = pchisq(lr, 2, lower.tail = FALSE))
}
out <- list(versions = list(R = R.version.string, Hmisc = as.character(packageVersion("Hmisc"))),
            age = one("age"), cea = one("cea"))
write(toJSON(out, digits = I(15), auto_unbox = TRUE, pretty = TRUE), file.path(here, "splines.json"))
