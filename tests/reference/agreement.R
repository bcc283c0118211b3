# Reference numbers of agreement from base R and psych, on the simulated readers.
# Run in this folder: Rscript agreement.R  (Debian: r-base-core, r-cran-jsonlite, r-cran-psych, r-cran-boot)
suppressPackageStartupMessages({library(jsonlite); library(psych); library(boot)})

d <- read.csv("agreement_readers.csv")
names4 <- c("junior", "mid", "senior", "model"); grades <- 0:3; k <- length(grades)
z <- qnorm(0.975)
weight <- list(identity = diag(k), linear = 1 - abs(outer(grades, grades, "-")) / (k - 1),
               quadratic = 1 - outer(grades, grades, "-")^2 / (k - 1)^2)
table_of <- function(a, b) unclass(table(factor(d[[a]], grades), factor(d[[b]], grades)))

# Fleiss, Cohen and Everitt 1969, equations 7, 8 and 10, cell by cell.
kappa_of <- function(counts, w) {
  n <- sum(counts); p <- counts / n; r <- rowSums(p); c <- colSums(p)
  po <- sum(w * p); pe <- sum(w * outer(r, c)); value <- (po - pe) / (1 - pe); full <- null <- 0
  for (i in 1:k) for (j in 1:k) {
    mean_weight <- sum(c * w[i, ]) + sum(r * w[, j])
    full <- full + p[i, j] * (w[i, j] * (1 - pe) - mean_weight * (1 - po))^2
    null <- null + r[i] * c[j] * (w[i, j] - mean_weight)^2
  }
  error <- sqrt((full - (po * pe - 2 * pe + po)^2) / n) / (1 - pe)^2
  statistic <- value / (sqrt((null - pe^2) / n) / (1 - pe))
  list(interval = value + c(0, -1, 1) * z * error, z = statistic, p = 2 * pnorm(-abs(statistic)))
}
cohen <- lapply(weight, function(w) kappa_of(table_of("senior", "model"), w))
with_psych <- cohen.kappa(d[c("senior", "model")])

pairs <- combn(names4, 2, simplify = FALSE)
pair_kappas <- sapply(pairs, function(p) kappa_of(table_of(p[1], p[2]), weight$identity)$interval[1])
counts <- t(apply(d[names4], 1, function(row) sapply(grades, function(g) sum(row == g))))
n <- nrow(counts); m <- 4

# Fleiss 1971 with the variance under chance of Fleiss, Nee and Landis 1979.
p <- colSums(counts) / (n * m); q <- 1 - p
po <- mean((rowSums(counts^2) - m) / (m * (m - 1))); pe <- sum(p^2)
fleiss <- (po - pe) / (1 - pe)
null_error <- sqrt(2 / (n * m * (m - 1))) * sqrt(sum(p * q)^2 - sum(p * q * (q - p))) / sum(p * q)
s2 <- sapply(grades, function(g) { shares <- colMeans(d[names4] == g); mean((shares - mean(shares))^2) * m / (m - 1) })
conger <- (po - (sum(p^2) - sum(s2) / m)) / (1 - (sum(p^2) - sum(s2) / m))

# Gwet's linearised variance for complete ratings, unit by unit.
linearised <- function(w, kind) {
  tw <- sum(w); share <- colMeans(counts / m)
  pe <- if (kind == "gwet") tw / (k * (k - 1)) * sum(share * (1 - share)) else sum(w * outer(share, share))
  each <- chance <- numeric(n)
  for (i in 1:n) {
    r <- counts[i, ]
    each[i] <- sum(r * (w %*% r - 1)) / (m * (m - 1))
    chance[i] <- if (kind == "gwet") tw / (k * (k - 1)) * sum(r / m * (1 - share)) else sum((w %*% share) * r / m)
  }
  value <- (mean(each) - pe) / (1 - pe)
  star <- (each - pe) / (1 - pe) - 2 * (1 - value) * (chance - pe) / (1 - pe)
  error <- sqrt(sum((star - value)^2) / (n * (n - 1)))
  list(interval = value + c(0, -1, 1) * qt(0.975, n - 1) * error, t = value / error,
       p = 2 * pt(-abs(value / error), n - 1))
}

# Krippendorff 2004, by the sums over all pairs of ratings within and across units.
alpha <- function(delta) {
  rows <- as.matrix(d[names4]); within <- 0
  for (i in 1:n) for (a in 1:m) for (b in 1:m) if (a != b) within <- within + delta(rows[i, a], rows[i, b]) / (m - 1)
  all <- table(factor(rows, grades)); across <- 0
  for (a in grades) for (b in grades) across <- across + all[[a + 1]] * all[[b + 1]] * delta(a, b)
  N <- length(rows)
  1 - (N - 1) * within / across
}
totals <- as.numeric(table(factor(as.matrix(d[names4]), grades)))
ordinal <- function(a, b) if (a == b) 0 else (sum(totals[(min(a, b):max(a, b)) + 1]) - (totals[a + 1] + totals[b + 1]) / 2)^2

mm <- as.matrix(d[c("junior_mm", "senior_mm", "model_mm")])
icc <- suppressMessages(ICC(mm, lmer = FALSE))$results
# Intervals by resampled patients, by boot; for readers as a sample a loop of its own over the mean squares of anova, the
# readers' one drawn anew from its chi-square (Weerahandi 1993), the others as MS^2 / MS* of resampled units.
squares <- function(x) {
  long <- data.frame(y = as.vector(x), unit = factor(rep(seq_len(nrow(x)), ncol(x))), reader = factor(rep(seq_len(ncol(x)), each = nrow(x))))
  setNames(anova(lm(y ~ unit + reader, long))[["Mean Sq"]], c("b", "r", "e"))
}
quick <- function(x) {
  k <- ncol(x); m <- mean(x); u <- rowMeans(x); r <- colMeans(x)
  c(b = k * sum((u - m)^2) / (nrow(x) - 1), r = nrow(x) * sum((r - m)^2) / (k - 1),
    e = sum((x - outer(u, r, "+") + m)^2) / ((nrow(x) - 1) * (k - 1)))
}
stopifnot(all.equal(squares(mm), quick(mm)))
icc2 <- function(s, k) unname((s["b"] - s["e"]) / (s["b"] + (k - 1) * s["e"] + k * (s["r"] - s["e"]) / n))
icc3 <- function(s, k) unname((s["b"] - s["e"]) / (s["b"] + (k - 1) * s["e"]))
set.seed(2003)
these <- boot(mm, function(x, rows) { s <- quick(x[rows, ]); c(icc2(s, 3), icc3(s, 3)) }, R = 20000)
whole <- quick(mm)
sampled <- replicate(20000, {
  s <- whole^2 / quick(mm[sample(n, replace = TRUE), ]); s["r"] <- 2 * whole["r"] / rchisq(1, 2); icc2(s, 3)
})
resampled <- list(ICC2 = quantile(these$t[, 1], c(0.025, 0.975)), ICC3 = quantile(these$t[, 2], c(0.025, 0.975)),
                  ICC3_BCa = boot.ci(these, type = "bca", index = 2)$bca[4:5],
                  sampled = quantile(sampled, c(0.025, 0.975)))
difference <- d$model_mm - d$senior_mm; s <- sd(difference); t <- qt(0.975, n - 1)
limit_error <- s * sqrt(1 / n + z^2 / (2 * (n - 1)))
trend <- summary(lm(difference ~ I((d$model_mm + d$senior_mm) / 2)))$coefficients[2, ]
band <- function(x) factor(x >= 7, c(FALSE, TRUE))
bands <- unclass(table(band(d$senior_mm), band(d$model_mm)))

write_json(list(
  versions = list(R = R.version.string, psych = as.character(packageVersion("psych"))),
  cohen = cohen, psych = c(with_psych$kappa, with_psych$var.kappa),
  light = mean(pair_kappas), pair_kappas = setNames(as.list(pair_kappas), sapply(pairs, paste, collapse = "-")),
  human_human = mean(pair_kappas[!sapply(pairs, function(p) "model" %in% p)]),
  human_model = mean(pair_kappas[sapply(pairs, function(p) "model" %in% p)]),
  fleiss = list(value = fleiss, z = fleiss / null_error, p = 2 * pnorm(-abs(fleiss / null_error))), conger = conger,
  fleiss_linearised = lapply(weight, linearised, "fleiss"), gwet = lapply(weight, linearised, "gwet"),
  krippendorff = list(nominal = alpha(function(a, b) a != b), ordinal = alpha(ordinal),
    interval = alpha(function(a, b) (a - b)^2), ratio = alpha(function(a, b) if (a + b == 0) 0 else ((a - b) / (a + b))^2)),
  icc = setNames(lapply(1:6, function(i) c(icc$ICC[i], icc$`lower bound`[i], icc$`upper bound`[i], icc$F[i], icc$p[i])), icc$type),
  icc_resampled = lapply(resampled, unname),
  limits = list(bias = mean(difference) + c(0, -1, 1) * t * s / sqrt(n),
    lower = mean(difference) - z * s + c(0, -1, 1) * t * limit_error,
    upper = mean(difference) + z * s + c(0, -1, 1) * t * limit_error,
    trend = unname(trend[c("Estimate", "t value", "Pr(>|t|)")])),
  bands = bands
), "agreement.json", digits = I(15), auto_unbox = TRUE, pretty = TRUE)
