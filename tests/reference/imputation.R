# Reference numbers of multiple imputation: Rubin's rules by mice's pool.scalar, and a Cox model over 200 completed tables.
#
#   Rscript tests/reference/imputation.R
#
# Debian: r-cran-survival, r-cran-mice, r-cran-jsonlite. Reads survival_cohort.csv, writes imputation.json. What is taken
# away goes by the number of the row, so that tests take away the same.
suppressMessages({library(survival); library(mice); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(file.path(here, "survival_cohort.csv"))
estimates <- c(0.41, 0.47, 0.38, 0.52, 0.44); variances <- c(0.020, 0.022, 0.019, 0.021, 0.023)
by_hand <- pool.scalar(estimates, variances, n = Inf, k = 1)
d <- d[!is.na(d$age) & !is.na(d$cea), ]
d$cea <- log(d$cea + 1)
row <- seq_len(nrow(d)) - 1
d$age[row %% 10 < 3] <- NA
d$cea[(row * 7) %% 10 < 2] <- NA
d$lln <- ifelse((row * 3) %% 10 == 1, NA, as.numeric(d$lln_status == "positive"))
d$happened <- as.numeric(d$event == 1)
d$hazard <- nelsonaalen(d, time_months, happened)
x <- d[, c("age", "cea", "lln", "happened", "hazard")]
made <- mice(x, m = 200, maxit = 10, method = "pmm", seed = 1, printFlag = FALSE)
y <- Surv(d$time_months, d$happened)
fits <- lapply(1:200, function(i) coxph(y ~ age + cea + lln, data = complete(made, i)))
q <- sapply(fits, coef); u <- sapply(fits, function(f) diag(vcov(f)))
pooled <- lapply(seq_len(nrow(q)), function(i) pool.scalar(q[i, ], u[i, ], n = Inf, k = 1))
numbers <- function(p) list(value = p$qbar, variance = p$t, df = p$df, fmi = p$fmi)
out <- list(versions = list(R = R.version.string, mice = as.character(packageVersion("mice"))),
            estimates = estimates, variances = variances, by_hand = numbers(by_hand),
            cox = setNames(lapply(pooled, numbers), rownames(q)))
write(toJSON(out, digits = I(15), auto_unbox = TRUE, pretty = TRUE), file.path(here, "imputation.json"))
