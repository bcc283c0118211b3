# Reference numbers of R's own data sets (survival::colon, lung, ovarian, LGPL), each fit at its maximum.
#
#   Rscript tests/reference/trials.R
#
# Debian: r-cran-survival, r-cran-cmprsk, r-cran-jsonlite. Writes trials.json. The defaults of coxph (1e-9 of the
# likelihood) and crr (a score of 1e-6) stop short of the maximum, by 2e-6 to 2e-3 of a coefficient.
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
# Below 1e-12 the rounding of the likelihood makes coxph halve its last step, which takes it away from the maximum.
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-15, iter.max = 50)
model <- function(formula, data, ties = "efron") {
  f <- coxph(formula, data, ties = ties, control = tight)
  b <- coef(f); se <- sqrt(diag(vcov(f))); z <- b / se
  df <- length(b); lrt <- 2 * diff(f$loglik); wald <- drop(b %*% solve(vcov(f), b))
  list(n = f$n, events = f$nevent, loglik_null = f$loglik[1], loglik = f$loglik[2],
       lrt = c(lrt, df, pchisq(lrt, df, lower.tail = FALSE)), wald = c(wald, df, pchisq(wald, df, lower.tail = FALSE)),
       score = c(f$score, df, pchisq(f$score, df, lower.tail = FALSE)),
       concordance = unname(f$concordance[c("concordance", "std")]),
       terms = data.frame(term = names(b), coef = b, se = se, z = z, p = 2 * pnorm(-abs(z)), hr = exp(b),
                          hr_lower = exp(b - qnorm(0.975) * se), hr_upper = exp(b + qnorm(0.975) * se), row.names = NULL))
}
zph <- function(formula, data) {
  table <- cox.zph(do.call(coxph, list(formula, data = data, control = tight)))$table
  data.frame(term = rownames(table), table, row.names = NULL)
}
colon <- survival::colon
colon$differ_f <- factor(colon$differ); colon$extent_f <- factor(colon$extent)
all <- ~ rx + sex + age + obstruct + perfor + adhere + differ_f + extent_f + surg + node4
of <- function(names) as.formula(paste("Surv(time, status) ~", paste(names, collapse = " + ")))
endpoint <- function(kind) {
  d <- colon[colon$etype == kind, ]
  names <- c("rx", "sex", "age", "obstruct", "perfor", "adhere", "nodes", "differ_f", "extent_f", "surg", "node4")
  alone <- sapply(names, function(name) model(of(name), data = d), simplify = FALSE)
  every <- of(labels(terms(all)))
  list(cox_univariate = alone, cox_univariate_rx_breslow = model(of("rx"), data = d, ties = "breslow"),
       cox_multivariable = model(every, data = d), ph_test_multivariable = zph(every, data = d),
       cox_rx_node4_surg = model(of(c("rx", "node4", "surg")), data = d),
       ph_test_rx_node4_surg = zph(of(c("rx", "node4", "surg")), data = d),
       cox_rx_strata_node4 = model(of(c("rx", "strata(node4)")), data = d))
}
out <- list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                            cmprsk = as.character(packageVersion("cmprsk"))),
            colon_recurrence = endpoint(1), colon_death = endpoint(2),
            lung = list(cox = model(Surv(time, status) ~ age + sex + ph.ecog, data = lung)),
            ovarian = list(cox = model(Surv(futime, fustat) ~ age + rx, data = ovarian)))

# Recurrence against death without one.
first <- colon[colon$etype == 1, ]; last <- colon[colon$etype == 2, ]
last <- last[match(first$id, last$id), ]
event <- ifelse(first$status == 1, 1, ifelse(last$status == 1, 2, 0))
time <- ifelse(event == 2, last$time, first$time)
x <- model.matrix(~ rx + node4, first)[, -1]
gray <- function(f) data.frame(term = names(f$coef), coef = f$coef, se = sqrt(diag(f$var)), z = f$coef / sqrt(diag(f$var)),
  shr = exp(f$coef), lower = exp(f$coef - qnorm(0.975) * sqrt(diag(f$var))),
  upper = exp(f$coef + qnorm(0.975) * sqrt(diag(f$var))), row.names = NULL)
out$colon_competing <- list(counts = as.vector(table(event)), followed = sum(time),
                            fine_gray_rx_node4 = gray(crr(time, event, x, gtol = 1e-14, maxiter = 100)))
write(toJSON(out, digits = I(15), auto_unbox = TRUE, na = "null", pretty = TRUE), file.path(here, "trials.json"))
