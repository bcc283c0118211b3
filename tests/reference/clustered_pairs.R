# Reference numbers of paired tests and of calibration on units that share patients, from base R and sandwich, on the
# simulated nodes of accuracy_nodes.csv.
# Run in this folder: Rscript clustered_pairs.R  (Debian: r-base-core, r-cran-jsonlite, r-cran-sandwich)
suppressPackageStartupMessages({library(jsonlite); library(sandwich)})

nodes <- read.csv("accuracy_nodes.csv")
z <- qnorm(0.975)

# Obuchowski 1998, equations 2 to 6: variances and covariance of both shares, pooled where the test asks for it.
compared <- function(first, second, patient) {
  per <- function(x) as.numeric(tapply(x, patient, sum))
  x <- per(first); y <- per(second); n <- per(rep(1, length(first))); m <- length(n); N <- sum(n)
  p <- sum(x) / N; q <- sum(y) / N; pooled <- (p + q) / 2
  moment <- function(u, pu, v, pv) m / (m - 1) * sum((u - n * pu) * (v - n * pv)) / N^2
  variance <- function(pu, pv) moment(x, pu, x, pu) + moment(y, pv, y, pv) - 2 * moment(x, pu, y, pv)
  statistic <- (p - q)^2 / variance(pooled, pooled)
  # The same interval from a regression with a sandwich covariance by patient.
  fit <- lm(I(first - second) ~ 1)
  stopifnot(all.equal(as.numeric(vcovCL(fit, patient, type = "HC0")), variance(p, q)))
  list(difference = p - q + c(0, -1, 1) * z * sqrt(variance(p, q)),
    test = c(statistic, pchisq(statistic, 1, lower.tail = FALSE)), units = N, patients = m, differing = sum(x != y))
}

# Every choice of signs written out.
exact <- function(first, second, patient) {
  d <- as.numeric(tapply(first - second, patient, sum)); d <- d[d != 0]
  signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(d))))
  mean(abs(signs %*% abs(d)) >= abs(sum(d)) - 1e-9)
}

one <- as.numeric(nodes$predicted == nodes$truth)
two <- as.numeric((nodes$coarse_score > 0) == (nodes$truth == 1))
positive <- nodes$truth == 1
few <- nodes$patient %in% unique(nodes$patient)[1:30]

chance <- plogis(1.3 * nodes$score); y <- nodes$truth; logit <- qlogis(chance)
tight <- glm.control(epsilon = 1e-14, maxit = 100)
# glm keeps the weights of the step before the last: a second fit begins where the first ended.
at_maximum <- function(formula) {
  glm(formula, family = binomial, control = tight, start = coef(glm(formula, family = binomial, control = tight)))
}
slope <- at_maximum(y ~ logit)
intercept <- at_maximum(y ~ 1 + offset(logit))
robust <- function(fit, name) coef(fit)[[name]] + c(0, -1, 1) * z * sqrt(vcovCL(fit, nodes$patient, type = "HC0")[name, name])
brier <- lm((chance - y)^2 ~ 1)

write_json(list(
  versions = list(R = R.version.string, sandwich = as.character(packageVersion("sandwich"))),
  accuracy = compared(one, two, nodes$patient), sensitivity = compared(one[positive], two[positive], nodes$patient[positive]),
  specificity = compared(one[!positive], two[!positive], nodes$patient[!positive]),
  few = list(p = exact(one[few], two[few], nodes$patient[few])),
  calibration = list(slope = robust(slope, "logit"), intercept = robust(intercept, "(Intercept)"),
    brier = robust(brier, "(Intercept)"))
), "clustered_pairs.json", digits = I(15), auto_unbox = TRUE, pretty = TRUE)
