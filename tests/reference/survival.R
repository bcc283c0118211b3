# Reference numbers for tests/analytics/survival, made by R's own packages from the simulated cohort.
#
#   Rscript tests/reference/survival.R
#
# Debian: r-cran-survival, r-cran-cmprsk, r-cran-jsonlite. Reads survival_cohort.csv, writes survival.json.
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(file.path(here, "survival_cohort.csv"))
d$lln <- as.integer(d$lln_status == "positive")
d$male <- as.integer(d$sex == "male")
d$mrn_f <- factor(d$mrn)
d$relapse <- as.integer(d$event == 1)
d$any <- as.integer(d$event > 0)
y <- Surv(d$time_months, d$relapse)
times <- c(12, 24, 36, 60)
# At the maximum, not where the defaults stop (1e-9 of the likelihood; of crr a score of 1e-6): that differs between equal cohorts.
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
out <- list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                            cmprsk = as.character(packageVersion("cmprsk"))))

curve <- function(f, kind) {
  s <- summary(f, times = times, extend = TRUE)
  list(conf_type = kind, strata = if (is.null(s$strata)) rep("all", length(s$time)) else as.character(s$strata),
       time = s$time, n_risk = s$n.risk, surv = s$surv, se = s$std.err, lower = s$lower, upper = s$upper)
}
out$kaplan_meier <- lapply(c("log-log", "log", "plain"),
                           function(k) curve(survfit(y ~ lln, data = d, conf.type = k), k))
out$median <- lapply(c("log-log", "log", "plain"), function(k) {
  q <- quantile(survfit(Surv(time_months, any) ~ lln, data = d, conf.type = k), 0.5)
  list(conf_type = k, median = unname(q$quantile[, 1]), lower = unname(q$lower[, 1]), upper = unname(q$upper[, 1]))
})
q <- quantile(survfit(Surv(time_months, any == 0) ~ 1, data = d, conf.type = "log-log"), 0.5)
out$followup <- list(median = unname(q$quantile), lower = unname(q$lower), upper = unname(q$upper))
# Share of the horizon lived, with the log-log interval of a probability.
on_log_log <- function(mean, error, horizon) {
  share <- mean / horizon
  horizon * exp(-exp(log(-log(share)) + qnorm(c(0.975, 0.025)) * error / horizon / abs(share * log(share))))
}
rmean <- summary(survfit(y ~ lln, data = d), rmean = 48)$table[, c("rmean", "se(rmean)")]
out$rmst_48 <- list(rmean = unname(rmean[, 1]), se = unname(rmean[, 2]), log_log = lapply(1:2, function(i) on_log_log(rmean[i, 1], rmean[i, 2], 48)))

test <- function(f) list(chisq = f$chisq, df = length(f$n) - 1, observed = if (is.matrix(f$obs)) rowSums(f$obs) else f$obs,
                         expected = if (is.matrix(f$exp)) rowSums(f$exp) else f$exp)
out$logrank <- test(survdiff(y ~ mrn, data = d))
out$logrank_strata <- test(survdiff(y ~ mrn + strata(mrcrm), data = d))
out$peto <- test(survdiff(y ~ mrn, data = d, rho = 1))
pairs <- combn(0:2, 2)
p <- apply(pairs, 2, function(pair) {
  f <- survdiff(Surv(time_months, relapse) ~ mrn, data = d[d$mrn %in% pair, ]); pchisq(f$chisq, 1, lower.tail = FALSE)
})
out$pairwise <- list(p = p, holm = p.adjust(p, "holm"))
# The score test of the exact partial likelihood has the hypergeometric variance of the log-rank test for trend.
out$trend <- unname(summary(coxph(control = tight, y ~ mrn, data = d, ties = "exact"))$sctest[1])

model <- function(f) {
  s <- summary(f)
  list(n = f$n, events = f$nevent, loglik = f$loglik, coef = unname(coef(f)), se = unname(sqrt(diag(vcov(f)))),
       p = unname(s$coefficients[, "Pr(>|z|)"]), score = unname(f$score), wald = unname(f$wald.test),
       concordance = unname(f$concordance[["concordance"]]), concordance_se = unname(f$concordance[["std"]]))
}
full <- coxph(control = tight, y ~ lln + mrn_f + mrcrm + mremvi + age, data = d)
stratified <- coxph(control = tight, y ~ lln + mrn_f + mremvi + age + strata(mrcrm), data = d)
out$cox <- model(full)
out$cox_strata <- model(stratified)
out$cox_breslow <- model(coxph(control = tight, y ~ lln + mrn_f + mrcrm + mremvi + age, data = d, ties = "breslow"))
out$cox_missing <- model(coxph(control = tight, y ~ lln + cea, data = d))
zph <- function(f) lapply(c("km", "rank", "identity", "log"), function(g) {
  z <- cox.zph(f, transform = g)
  list(scale = g, term = rownames(z$table), chisq = unname(z$table[, 1]), df = unname(z$table[, 2]), p = unname(z$table[, 3]))
})
out$zph <- zph(full)
out$zph_strata <- zph(stratified)
out$schoenfeld <- unname(cox.zph(full, terms = FALSE)$y[, "lln"])
b <- basehaz(full, centered = FALSE)
out$basehaz <- list(time = b$time, hazard = b$hazard)
new <- data.frame(lln = c(0, 1), mrn_f = factor(c(0, 2), levels = 0:2), mrcrm = c(0, 1), mremvi = c(0, 1), age = c(60, 70))
out$predicted <- summary(survfit(full, newdata = new), times = c(24, 48))$surv

# Gain over CRM and EMVI.
base <- coxph(control = tight, y ~ mrcrm + mremvi, data = d)
more <- coxph(control = tight, y ~ mrcrm + mremvi + lln, data = d)
both <- concordance(more, base)
out$gain <- list(lr = 2 * (more$loglik[2] - base$loglik[2]), c = unname(both$concordance),
                 difference = unname(diff(rev(both$concordance))), variance = unname(vcov(both)))
# Calibration of risks by 24 months that are half as spread as they should be.
risk <- 1 - exp(-0.5 * exp(0.5 * (0.7 * d$lln + 0.6 * d$mremvi + 0.02 * (d$age - 62))))
fifth <- cut(risk, quantile(risk, 0:5 / 5), include.lowest = TRUE, labels = FALSE)
at <- summary(survfit(y ~ fifth, data = d, conf.type = "log-log"), times = 24)
slope <- coxph(control = tight, y ~ log(-log(1 - risk)), data = d)
out$calibration <- list(predicted = unname(tapply(risk, fifth, mean)), observed = 1 - at$surv, lower = 1 - at$upper,
                        upper = 1 - at$lower, slope = unname(coef(slope)), slope_se = unname(sqrt(vcov(slope)[1])),
                        mean = mean(risk))

# Interaction: product term, and RERI, AP, S of a joint coding (Hosmer & Lemeshow 1992) by the delta method.
out$product <- list(lr = anova(coxph(control = tight, y ~ lln + mremvi + age, data = d), coxph(control = tight, y ~ lln * mremvi + age, data = d))$Chisq[2],
                    coef = unname(coef(coxph(control = tight, y ~ lln * mremvi + age, data = d))["lln:mremvi"]))
joint <- coxph(control = tight, y ~ I(lln * (1 - mremvi)) + I((1 - lln) * mremvi) + I(lln * mremvi) + age, data = d)
h <- exp(coef(joint)[1:3]); v <- vcov(joint)[1:3, 1:3]
delta <- function(value, gradient) c(value, sqrt(drop(t(gradient) %*% v %*% gradient)))
out$additive <- list(
  hr = unname(h),
  reri = unname(delta(h[3] - h[1] - h[2] + 1, c(-h[1], -h[2], h[3]))),
  ap = unname(delta((h[3] - h[1] - h[2] + 1) / h[3], c(-h[1], -h[2], h[1] + h[2] - 1) / h[3])),
  log_alone = unname(delta(log((h[1] + h[2] - 1) / h[3]), c(h[1:2] / (h[1] + h[2] - 1), -1))),
  log_s = unname(delta(log((h[3] - 1) / (h[1] + h[2] - 2)),
                       c(-h[1] / (h[1] + h[2] - 2), -h[2] / (h[1] + h[2] - 2), h[3] / (h[3] - 1)))))

# Competing risks.
state <- factor(d$event, 0:2, c("censored", "relapse", "death"))
aj <- lapply(c("log", "log-log", "plain"), function(k) {
  s <- summary(survfit(Surv(d$time_months, state) ~ lln, data = d, conf.type = k), times = times, extend = TRUE)
  list(conf_type = k, strata = as.character(s$strata), time = s$time, p = s$pstate[, 2], se = s$std.err[, 2],
       lower = s$lower[, 2], upper = s$upper[, 2])
})
out$aalen_johansen <- aj
points <- timepoints(cuminc(d$time_months, d$event, d$lln), times)
out$cuminc <- lapply(setNames(rownames(points$est), rownames(points$est)),
                     function(k) list(est = unname(points$est[k, ]), var = unname(points$var[k, ])))
gray <- function(...) { g <- cuminc(d$time_months, d$event, ...)$Tests; list(chisq = unname(g[, 1]), p = unname(g[, 2]), df = unname(g[, 3])) }
out$gray <- gray(d$mrn)
out$gray_two <- gray(d$lln)
out$gray_strata <- gray(d$mrn, d$mrcrm)
x <- cbind(d$lln, d$mrcrm, d$mremvi, d$age)
crr_model <- function(cause) {
  f <- crr(d$time_months, d$event, x, failcode = cause, gtol = 1e-14, maxiter = 50)
  list(coef = unname(f$coef), se = unname(sqrt(diag(f$var))), loglik = c(f$loglik.null, f$loglik))
}
out$fine_gray <- crr_model(1)
out$fine_gray_death <- crr_model(2)

# Landmark at 6 months.
l <- d[d$time_months > 6, ]
out$landmark <- model(coxph(control = tight, Surv(time_months - 6, relapse) ~ lln, data = l))

# Firth: the penalised likelihood is maximised by a general optimiser on coxph's own likelihood and information.
penalised <- function(few) {
  value <- function(b) {
    f <- coxph(few$y ~ few$x, init = b, control = coxph.control(iter.max = 0))
    f$loglik[1] - 0.5 * as.numeric(determinant(vcov(f))$modulus)
  }
  p <- ncol(few$x)
  highest <- function(fixed, at, start) {
    free <- setdiff(seq_len(p), fixed)
    whole <- function(b) { all <- numeric(p); all[free] <- b; all[fixed] <- at; all }
    if (!length(free)) return(list(value = value(at), par = at))
    o <- optim(start[free], function(b) -value(whole(b)), method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
    o <- optim(o$par, function(b) -value(whole(b)), method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
    list(value = -o$value, par = whole(o$par))
  }
  best <- highest(integer(0), numeric(0), numeric(p))
  side <- function(k, sign) {
    drop <- function(at) 2 * (best$value - highest(k, at, best$par)$value) - qchisq(0.95, 1)
    uniroot(drop, best$par[k] + sign * c(0.01, 8), extendInt = "no", tol = 1e-10)$root
  }
  list(coef = best$par, value = best$value,
       lower = sapply(seq_len(p), side, -1), upper = sapply(seq_len(p), side, 1),
       chisq = sapply(seq_len(p), function(k) 2 * (best$value - highest(k, 0, best$par)$value)),
       lr = 2 * (best$value - value(numeric(p))))
}
first <- d[1:60, ]
out$firth_few <- penalised(list(y = Surv(first$time_months, first$relapse), x = cbind(first$lln, first$mremvi)))
apart <- d[1:60, ]
apart$relapse[apart$mremvi == 0] <- 0
out$firth_separated <- penalised(list(y = Surv(apart$time_months, apart$relapse), x = cbind(apart$lln, apart$mremvi)))

write(toJSON(out, digits = 15, auto_unbox = TRUE, na = "null", pretty = TRUE), file.path(here, "survival.json"))
