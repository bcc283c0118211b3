# Reference numbers of diagnostic accuracy, from base R and pROC, on the simulated cohorts.
# Run in this folder: Rscript accuracy.R  (Debian: r-base-core, r-cran-jsonlite, r-cran-proc)
suppressPackageStartupMessages({library(jsonlite); library(pROC)})

cohort <- read.csv("accuracy_patients.csv")
nodes <- read.csv("accuracy_nodes.csv")
z <- qnorm(0.975)

wilson <- function(x, n) c(x / n, prop.test(x, n, correct = FALSE)$conf.int)
exact <- function(x, n) c(x / n, binom.test(x, n)$conf.int)

figures <- function(truth, test, interval) {
  tp <- sum(truth & test); fn <- sum(truth & !test); fp <- sum(!truth & test); tn <- sum(!truth & !test)
  n <- tp + fn + fp + tn
  sens <- interval(tp, tp + fn); spec <- interval(tn, fp + tn)
  log_interval <- function(value, error) value * exp(c(0, -1, 1) * z * error)
  jaccard <- interval(tp, tp + fn + fp)
  lower <- sqrt((sens[1] - sens[2])^2 + (spec[1] - spec[2])^2) / 2
  upper <- sqrt((sens[3] - sens[1])^2 + (spec[3] - spec[1])^2) / 2
  balanced <- (sens[1] + spec[1]) / 2
  gradient <- attr(eval(deriv(
    ~ (a * d - b * c) / sqrt((a + b) * (c + d) * (a + c) * (b + d)), c("a", "b", "c", "d")),
    list(a = tp / n, b = fn / n, c = fp / n, d = tn / n)), "gradient")[1, ]
  shares <- c(tp, fn, fp, tn) / n
  variance <- as.numeric(t(gradient) %*% (diag(shares) - shares %o% shares) %*% gradient) / n
  mcc <- cor(as.numeric(truth), as.numeric(test))
  list(counts = c(tp, fn, fp, tn), accuracy = interval(tp + tn, n), sensitivity = sens, specificity = spec,
    ppv = interval(tp, tp + fp), npv = interval(tn, fn + tn), prevalence = interval(tp + fn, n),
    no_information_rate = interval(max(tp + fn, fp + tn), n),
    lr_positive = log_interval(sens[1] / (1 - spec[1]), sqrt(1 / tp - 1 / (tp + fn) + 1 / fp - 1 / (fp + tn))),
    lr_negative = log_interval((1 - sens[1]) / spec[1], sqrt(1 / fn - 1 / (tp + fn) + 1 / tn - 1 / (fp + tn))),
    odds_ratio = log_interval(tp * tn / (fp * fn), sqrt(1 / tp + 1 / fn + 1 / fp + 1 / tn)),
    balanced_accuracy = c(balanced, balanced - lower, balanced + upper),
    f1 = 2 * jaccard / (1 + jaccard),
    mcc = c(mcc, tanh(atanh(mcc) + c(-1, 1) * z * sqrt(variance) / (1 - mcc^2))),
    above_no_information_rate = binom.test(tp + tn, n, max(tp + fn, fp + tn) / n, alternative = "greater")$p.value)
}

curve_of <- function(score) roc(cohort$truth, cohort[[score]], levels = c(0, 1), direction = "<", quiet = TRUE)
one <- curve_of("score"); two <- curve_of("other_score")
compared <- roc.test(one, two, method = "delong", paired = TRUE)

# Symmetric on the logit scale, turned back.
on_logit <- function(area, variance) c(area, plogis(qlogis(area) + c(-1, 1) * z * sqrt(variance) / (area * (1 - area))))

# Average precision and its logit interval (Boyd, Eng and Page 2013), by the definition.
average_precision <- function(truth, score) {
  levels <- sort(unique(score), decreasing = TRUE)
  recall <- sapply(levels, function(t) sum(truth[score >= t]) / sum(truth))
  precision <- sapply(levels, function(t) mean(truth[score >= t]))
  value <- sum(diff(c(0, recall)) * precision)
  c(value, plogis(qlogis(value) + c(-1, 1) * z / sqrt(sum(truth) * value * (1 - value))))
}

paired <- function(first, second) {
  a <- sum(first & second); b <- sum(first & !second); c <- sum(!first & second); d <- sum(!first & !second)
  n <- a + b + c + d; p <- wilson(a + b, n); q <- wilson(a + c, n)
  bottom <- (a + b) * (c + d) * (a + c) * (b + d); top <- a * d - b * c
  phi <- if (bottom == 0) 0 else (if (top > 0) max(top - n / 2, 0) else top) / sqrt(bottom)
  reach <- function(u, v) sqrt(u^2 - 2 * phi * u * v + v^2)
  list(difference = c(p[1] - q[1], p[1] - q[1] - reach(p[1] - p[2], q[3] - q[1]),
                      p[1] - q[1] + reach(p[3] - p[1], q[1] - q[2])),
    table = c(a, b, c, d), exact_p = binom.test(b, b + c)$p.value,
    corrected = unlist(mcnemar.test(matrix(c(a, c, b, d), 2))[c("statistic", "p.value")]),
    uncorrected = unlist(mcnemar.test(matrix(c(a, c, b, d), 2), correct = FALSE)[c("statistic", "p.value")]))
}
right_model <- cohort$model == cohort$truth; right_reader <- cohort$reader == cohort$truth
positive <- cohort$truth == 1

y <- cohort$truth; p <- cohort$probability; logit <- qlogis(p)
tight <- glm.control(epsilon = 1e-14, maxit = 100)
# glm keeps the weights of the step before the last: a second fit begins where the first ended.
at_maximum <- function(formula) {
  glm(formula, family = binomial, control = tight, start = coef(glm(formula, family = binomial, control = tight)))
}
slope <- summary(at_maximum(y ~ logit))$coefficients["logit", 1:2]
intercept <- summary(at_maximum(y ~ 1 + offset(logit)))$coefficients[1, 1:2]
squares <- (p - y)^2
spiegelhalter <- sum((y - p) * (1 - 2 * p)) / sqrt(sum((1 - 2 * p)^2 * p * (1 - p)))

# Net benefit of each patient, its mean and the normal interval of that mean (Vickers and Elkin 2006).
net_benefit <- t(sapply(c(0.1, 0.25, 0.5, 0.8), function(t) {
  each <- ifelse(p >= t, ifelse(y == 1, 1, -t / (1 - t)), 0)
  c(t, mean(each), mean(each) + c(-1, 1) * z * sd(each) / sqrt(length(each)), mean(y) - (1 - mean(y)) * t / (1 - t))
}))

# Obuchowski 1997, equations 3 to 8, by the double sum over all pairs of nodes.
placements <- function(truth, score) {
  better <- outer(score[truth == 1], score[truth == 0], function(a, b) (a > b) + 0.5 * (a == b))
  list(area = mean(better), x = rowMeans(better), y = colMeans(better))
}
clustered_covariance <- function(a, b, truth, patient) {
  ids <- unique(patient); m <- sum(truth == 1); n <- sum(truth == 0)
  per <- function(values, of, area) sapply(ids, function(id) sum(values[of == id] - area))
  xa <- per(a$x, patient[truth == 1], a$area); ya <- per(a$y, patient[truth == 0], a$area)
  xb <- per(b$x, patient[truth == 1], b$area); yb <- per(b$y, patient[truth == 0], b$area)
  i <- length(ids); i10 <- length(unique(patient[truth == 1])); i01 <- length(unique(patient[truth == 0]))
  s10 <- i10 / ((i10 - 1) * m) * sum(xa * xb); s01 <- i01 / ((i01 - 1) * n) * sum(ya * yb)
  s11 <- i / (i - 1) * (sum(xa * yb) + sum(xb * ya)) / 2
  s10 / m + s01 / n + 2 * s11 / (m * n)
}
a <- placements(nodes$truth, nodes$score); b <- placements(nodes$truth, nodes$coarse_score)
covariance <- function(u, v) clustered_covariance(u, v, nodes$truth, nodes$patient)
difference_error <- sqrt(covariance(a, a) + covariance(b, b) - 2 * covariance(a, b))
test <- (a$area - b$area) / difference_error

# Subgroups: independent patients by chi-square, nodes by a Wald test with a sandwich covariance over patients.
by_hospital <- table(cohort$model == cohort$truth, cohort$hospital)
right <- as.numeric(nodes$predicted == nodes$truth)
fit <- lm(right ~ 0 + factor(nodes$station)); X <- model.matrix(fit); bread <- solve(crossprod(X))
scores <- rowsum(X * resid(fit), nodes$patient); patients <- nrow(scores)
V <- patients / (patients - 1) * bread %*% crossprod(scores) %*% bread
C <- cbind(-1, diag(ncol(X) - 1)); apart <- C %*% coef(fit)
wald <- as.numeric(t(apart) %*% solve(C %*% V %*% t(C)) %*% apart)

write_json(list(
  subgroups = list(hospital_accuracy = tapply(cohort$model == cohort$truth, cohort$hospital, mean),
    hospital = unname(unlist(chisq.test(by_hospital, correct = FALSE)[c("statistic", "p.value")])),
    station_accuracy = unname(coef(fit)), station = c(wald, pchisq(wald, ncol(X) - 1, lower.tail = FALSE))),
  versions = list(R = R.version.string, pROC = as.character(packageVersion("pROC"))),
  wilson = figures(cohort$truth, cohort$model, wilson), clopper_pearson = figures(cohort$truth, cohort$model, exact),
  roc = list(auc = as.numeric(ci.auc(one))[c(2, 1, 3)], other_auc = as.numeric(ci.auc(two))[c(2, 1, 3)],
    logit = on_logit(as.numeric(auc(one)), var(one)), other_logit = on_logit(as.numeric(auc(two)), var(two)),
    difference = c(auc(one) - auc(two), compared$conf.int), z = unname(compared$statistic), p = compared$p.value,
    youden = unlist(coords(one, "best", best.method = "youden")[1, ]),
    thresholds = one$thresholds[is.finite(one$thresholds)], sensitivity = one$sensitivities, specificity = one$specificities),
  average_precision = average_precision(cohort$truth, cohort$score),
  paired = list(accuracy = paired(right_model, right_reader), sensitivity = paired(right_model[positive], right_reader[positive]),
    specificity = paired(right_model[!positive], right_reader[!positive])),
  calibration = list(slope = slope[1] + c(0, -1, 1) * z * slope[2], intercept = intercept[1] + c(0, -1, 1) * z * intercept[2],
    brier = mean(squares) + c(0, -1, 1) * z * sd(squares) / sqrt(length(y)),
    scaled_brier = 1 - mean(squares) / (mean(y) * (1 - mean(y))),
    spiegelhalter = c(spiegelhalter, 2 * pnorm(-abs(spiegelhalter)))),
  decision_curve = net_benefit,
  obuchowski = list(auc = a$area + c(0, -1, 1) * z * sqrt(covariance(a, a)),
    logit = on_logit(a$area, covariance(a, a)), coarse_auc = b$area + c(0, -1, 1) * z * sqrt(covariance(b, b)),
    difference = a$area - b$area + c(0, -1, 1) * z * difference_error, z = test, p = 2 * pnorm(-abs(test)))
), "accuracy.json", digits = I(15), auto_unbox = TRUE, pretty = TRUE)
