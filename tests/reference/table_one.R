# Reference numbers of Table 1 from base R, on the simulated patients.
# Run in this folder: Rscript table_one.R  (Debian: r-base-core, r-cran-jsonlite)
suppressPackageStartupMessages(library(jsonlite))
d <- read.csv("table_one_patients.csv", na.strings = "")
z <- qnorm(0.975)
two <- d$status; three <- d$hospital

described <- function(x) c(sum(!is.na(x)), sum(is.na(x)), mean(x, na.rm = TRUE), sd(x, na.rm = TRUE),
                           quantile(x, c(0.5, 0.25, 0.75, 0, 1), na.rm = TRUE, names = FALSE))
numbers <- function(test) unname(c(test$statistic, test$p.value))
brown_forsythe <- function(x, g) {
  away <- abs(x - ave(x, g, FUN = function(v) median(v, na.rm = TRUE)))
  anova(lm(away ~ factor(g)))[["Pr(>F)"]][1]
}
tests <- function(x) list(
  shapiro_two = tapply(x, two, function(v) shapiro.test(v)$p.value), spread_two = brown_forsythe(x, two),
  student = numbers(t.test(x ~ two, var.equal = TRUE)), welch = numbers(t.test(x ~ two)),
  mann_whitney = numbers(wilcox.test(x ~ two, exact = FALSE)),
  shapiro_three = tapply(x, three, function(v) shapiro.test(v)$p.value), spread_three = brown_forsythe(x, three),
  anova = numbers(oneway.test(x ~ three, var.equal = TRUE)), welch_anova = numbers(oneway.test(x ~ three)),
  kruskal = numbers(kruskal.test(x, factor(three))))

with_interval <- function(value, n1, n2) value + c(0, -1, 1) * z * sqrt((n1 + n2) / (n1 * n2) + value^2 / (2 * (n1 + n2)))
difference_of_means <- function(x) {
  a <- na.omit(x[two == "negative"]); b <- na.omit(x[two == "positive"])
  with_interval((mean(a) - mean(b)) / sqrt((var(a) + var(b)) / 2), length(a), length(b))
}
difference_of_shares <- function(x) {
  t <- table(x, two); p <- prop.table(t, 2)[-1, , drop = FALSE]; apart <- p[, 1] - p[, 2]
  S <- matrix(0, nrow(p), nrow(p))
  for (i in seq_len(nrow(p))) for (j in seq_len(nrow(p)))
    S[i, j] <- mean(if (i == j) p[i, ] * (1 - p[i, ]) else -p[i, ] * p[j, ])
  value <- sqrt(as.numeric(t(apart) %*% solve(S) %*% apart))
  with_interval(if (length(apart) == 1) value * sign(apart[[1]]) else value, sum(t[, 1]), sum(t[, 2]))
}
categorical <- function(x) list(
  counts = unclass(table(x, two)), missing = as.numeric(tapply(is.na(x), two, sum)),
  chi_square = numbers(chisq.test(table(x, two), correct = FALSE)), fisher = fisher.test(table(x, two))$p.value,
  three_chi_square = suppressWarnings(numbers(chisq.test(table(x, three), correct = FALSE))),
  three_fisher = fisher.test(table(x, three), workspace = 2e7)$p.value, difference = difference_of_shares(x))

measurements <- c("age", "tumour_mm", "height_cm", "cea"); categories <- c("sex", "grade", "rare", "emvi")
small <- list(first = c(1.1, 2.3, 3.7, 9.4), second = c(2.9, 8.8, 12.5, 31.2, 47.0))
tables <- list(matrix(c(3, 1, 1, 3), 2), matrix(c(1, 5, 4, 0, 2, 2, 6, 1, 1), 3), matrix(c(8, 2, 1, 5, 0, 3, 2, 2), 2),
               matrix(c(10, 0, 3, 4, 1, 5, 2, 2, 7, 0, 1, 6), 4))

write_json(list(
  version = R.version.string,
  described = lapply(setNames(measurements, measurements), function(name)
    list(negative = described(d[[name]][two == "negative"]), positive = described(d[[name]][two == "positive"]), overall = described(d[[name]]))),
  tests = lapply(setNames(measurements, measurements), function(name) tests(d[[name]])),
  differences = lapply(setNames(measurements, measurements), function(name) difference_of_means(d[[name]])),
  categorical = lapply(setNames(categories, categories), function(name) categorical(d[[name]])),
  small_mann_whitney = c(unname(wilcox.test(small$first, small$second)$statistic), wilcox.test(small$first, small$second)$p.value),
  fisher = lapply(tables, function(t) list(table = t, p = fisher.test(t)$p.value))
), "table_one.json", digits = I(15), auto_unbox = TRUE, pretty = TRUE)
