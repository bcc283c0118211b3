# Reference numbers of absolute risk with a competing event, on the simulated cohort.
#
#   Rscript tests/reference/competing_risk.R
#
# Debian: r-cran-survival, r-cran-cmprsk, r-cran-riskregression, r-cran-jsonlite. Reads survival_cohort.csv, writes
# competing_risk.json. Models are cmprsk's crr at its maximum; AUC and Brier score riskRegression's Score; observed
# risks, decision curves and C survival's Aalen-Johansen and concordance.
suppressMessages({library(survival); library(cmprsk); library(riskRegression); library(prodlim); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(file.path(here, "survival_cohort.csv"))
d$lln <- as.integer(d$lln_status == "positive")
times <- c(24, 36)
fit <- function(x) crr(d$time_months, d$event, x, gtol = 1e-14, maxiter = 100)
x <- cbind(mrcrm = d$mrcrm, mremvi = d$mremvi, lln = d$lln)
base <- fit(x[, 1:2]); more <- fit(x)
risk_at <- function(f, x, time) {
  hazard <- cumsum(f$bfitj)[findInterval(time, f$uftime)]
  1 - exp(-hazard * exp(drop(x %*% f$coef)))
}
wald <- drop(more$coef[3]^2 / more$var[3, 3])

score <- lapply(times, function(time) {
  s <- Score(list(base = risk_at(base, x[, 1:2], time), more = risk_at(more, x, time)), data = d, times = time,
             formula = Hist(time_months, event) ~ 1, cause = 1, metrics = c("auc", "brier"), conf.int = TRUE,
             cens.model = "km", null.model = TRUE, summary = "ipa")
  auc <- as.data.frame(s$AUC$score); change <- as.data.frame(s$AUC$contrasts); brier <- as.data.frame(s$Brier$score)
  list(time = time, auc = auc$AUC, auc_se = auc$se, change = change$delta.AUC, change_se = change$se, change_p = change$p,
       brier = brier$Brier, brier_se = brier$se, ipa = brier$IPA)
})

# Harrell's C of the subdistribution (Wolbers et al. 2009): whoever had the competing event never has the event.
never <- ifelse(d$event == 2, max(d$time_months) + 1, d$time_months)
both <- concordance(Surv(never, d$event == 1) ~ drop(x %*% more$coef), reverse = TRUE)
alone <- concordance(Surv(never, d$event == 1) ~ drop(x[, 1:2] %*% base$coef), reverse = TRUE)

# Calibration of risks that are half as spread as they should be.
risk <- 1 - exp(-0.5 * exp(0.5 * (0.7 * d$lln + 0.6 * d$mremvi + 0.02 * (d$age - 62))))
state <- factor(d$event, 0:2, c("censored", "relapse", "death"))
incidence <- function(keep, time) {
  f <- summary(survfit(Surv(d$time_months[keep], state[keep]) ~ 1, conf.type = "log-log", se.fit = TRUE), times = time, extend = TRUE)
  c(f$pstate[, 2], f$lower[, 2], f$upper[, 2])
}
fifth <- cut(risk, quantile(risk, 0:5 / 5), include.lowest = TRUE, labels = FALSE)
observed <- sapply(1:5, function(k) incidence(fifth == k, 24))
whole <- incidence(rep(TRUE, nrow(d)), 24)
slope <- crr(d$time_months, d$event, cbind(log(-log(1 - risk))), gtol = 1e-14, maxiter = 100)

# Net benefit at 24 months with the observed risk of those above the threshold (Vickers et al. 2008).
thresholds <- c(0.3, 0.4, 0.5, 0.6)
net <- sapply(thresholds, function(t) {
  above <- risk >= t
  if (!any(above)) return(0)
  p <- incidence(above, 24)[1]
  mean(above) * (p - (1 - p) * t / (1 - t))
})
everybody <- whole[1] - (1 - whole[1]) * thresholds / (1 - thresholds)

out <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                  cmprsk = as.character(packageVersion("cmprsk")), riskRegression = as.character(packageVersion("riskRegression"))),
  models = list(base = base$coef, more = unname(more$coef), wald = wald,
                risk = list(base = sapply(times, function(t) risk_at(base, x[1:6, 1:2], t)),
                            more = sapply(times, function(t) risk_at(more, x[1:6, ], t)))),
  score = score,
  concordance = list(more = unname(both$concordance), more_se = sqrt(both$var), base = unname(alone$concordance),
                     base_se = sqrt(alone$var)),
  calibration = list(predicted = unname(tapply(risk, fifth, mean)), observed = observed[1, ], lower = observed[2, ],
                     upper = observed[3, ], ratio = whole / mean(risk), slope = unname(slope$coef),
                     slope_se = sqrt(slope$var[1])),
  decision = list(thresholds = thresholds, net_benefit = net, everybody = everybody))
write(toJSON(out, digits = I(15), auto_unbox = TRUE, na = "null", pretty = TRUE), file.path(here, "competing_risk.json"))
