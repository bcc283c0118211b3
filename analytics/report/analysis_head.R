# The analysis of a study in R, on the study's own tables, each number beside the report's.
# Run in the folder of this file: Rscript analysis.R
# Packages: survival, cmprsk (competing events), readxl (XLSX), arrow (Parquet), jsonlite (findings).
# Research use only. Written by sidewall-analytics; change it as you like.
suppressMessages(library(survival))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
if (length(here) == 1) setwd(here)
missing_texts <- c("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", ".")
tally <- c(agrees = 0, DIFFERS = 0)
check <- function(key, found, ours) {
  same <- length(found) == 1 && !is.na(found) && abs(found - ours) <= 1e-6 * abs(ours) + 1e-15
  word <- if (same) "agrees" else "DIFFERS"
  tally[[word]] <<- tally[[word]] + 1
  cat(sprintf("%-70s R %.10g  report %.10g  %s\n", key, if (length(found) == 1) found else NA, ours, word))
}
finish <- function() {
  cat(tally[["agrees"]], "numbers agree,", tally[["DIFFERS"]], "differ\n")
  if (tally[["DIFFERS"]] > 0) quit(status = 3)
}

# Tables, every cell as text.
chosen <- function(t, where) {
  t[] <- lapply(t, function(column) { column <- trimws(as.character(column)); ifelse(is.na(column), "", column) })
  names(t) <- trimws(names(t))
  for (name in names(where)) t <- t[fold(t[[name]]) == fold(where[[name]]), , drop = FALSE]
  t[rowSums(t != "") > 0, , drop = FALSE]
}
read_csv <- function(path, sep, encoding, where = NULL) {
  encoding <- c("utf-8" = "UTF-8-BOM", "utf-16" = "UTF-16", gb18030 = "GB18030", "windows-1252" = "CP1252")[[encoding]]
  chosen(read.table(path, TRUE, sep, "\"", fileEncoding = encoding, colClasses = "character", na.strings = character(),
                    check.names = FALSE, comment.char = "", fill = TRUE), where)
}
read_xlsx <- function(path, sheet, where = NULL) {
  t <- as.data.frame(readxl::read_excel(path, sheet, col_types = "text"))
  chosen(t, where)
}
read_parquet_file <- function(path, where = NULL) chosen(as.data.frame(arrow::read_parquet(path)), where)
read_findings <- function(folder, names) {
  files <- sort(list.files(folder, "[.]json$", recursive = TRUE, full.names = TRUE))
  found <- lapply(files, function(path) tryCatch(jsonlite::fromJSON(path, simplifyVector = FALSE), error = function(e) NULL))
  found <- Filter(function(f) startsWith(as.character(f$schema_version %||% ""), "1."), found)
  case <- vapply(found, function(f) as.character(f$case$case_id), ""); first <- !duplicated(case)
  status <- vapply(found, function(f) f$status, "")
  data.frame(patient = if (is.null(names)) case[first] else unname(names[case[first]]), status = status[first])
}
`%||%` <- function(a, b) if (is.null(a)) b else a
# One row for each patient: rows that repeat another are left out, all rows of a patient that differ are.
own_rows <- function(t, id) {
  t <- t[!(t[[id]] %in% missing_texts), , drop = FALSE]
  t <- t[!duplicated(t), , drop = FALSE]
  t[!(t[[id]] %in% t[[id]][duplicated(t[[id]])]), , drop = FALSE]
}
fold <- function(text) tolower(gsub("\\s+", " ", trimws(text)))
words_in <- function(text, meanings) {
  found <- unname(meanings[match(text, names(meanings))])
  also <- unname(meanings[match(fold(text), fold(names(meanings)))])
  number <- suppressWarnings(as.numeric(text)); keys <- suppressWarnings(as.numeric(names(meanings)))
  numeric <- ifelse(is.na(number), NA, unname(meanings[match(number, keys)]))
  found <- ifelse(is.na(found), ifelse(is.na(also), numeric, also), found)
  ifelse(text %in% missing_texts, NA, found)
}
numbers_in <- function(text, low = -Inf, high = Inf, beyond = "") {
  limit <- grepl("^[<>]", text); text <- sub("^[<>]=?\\s*", "", text)
  if (any(grepl("^[+-]?(0|\\d{4,})?,\\d+$|^[+-]?\\d+,(\\d{1,2}|\\d{4,})$", text))) text <- sub(",", ".", text)
  value <- suppressWarnings(as.numeric(text))
  if (beyond == "half") value <- ifelse(limit & startsWith(text, "<"), value / 2, value)
  if (beyond %in% c("", "missing")) value[limit] <- NA
  ifelse(is.finite(value) & value >= low & value <= high, value, NA)
}
dates_in <- function(text, layout) {
  text <- sub("[T ].*$", "", text)
  if (layout != "") {
    found <- as.Date(text, layout); iso <- as.Date(text, "%Y-%m-%d")
    return(structure(ifelse(is.na(found), iso, found), class = "Date"))
  }
  layouts <- c("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d")
  read <- lapply(layouts, function(each) { found <- as.Date(text, each); found[format(found, each) != text] <- NA; found })
  read[[which.max(vapply(read, function(each) sum(!is.na(each)), 0))]]
}
status_of <- function(patient, id, words) {
  found <- words[match(patient, id)]
  factor(ifelse(found %in% c("negative", "positive"), found, NA), c("negative", "positive"))
}
followed <- function(d, name, id, time, event, longest) {
  usable <- !is.na(time) & !is.na(event) & time >= 0 & time <= longest
  at <- match(d$patient, id[usable])
  d[[paste0(name, ".time")]] <- time[usable][at]; d[[paste0(name, ".event")]] <- event[usable][at]
  d
}

# Accuracy and agreement.
two_by_two <- function(truth, call) {
  both <- !is.na(truth) & !is.na(call); truth <- truth[both] == "positive"; call <- call[both] == "positive"
  tp <- sum(truth & call); fn <- sum(truth & !call); fp <- sum(!truth & call); tn <- sum(!truth & !call)
  list(accuracy = (tp + tn) / length(truth), sensitivity = tp / (tp + fn), specificity = tn / (fp + tn),
       ppv = tp / (tp + fp), npv = tn / (fn + tn))
}
kappa_of <- function(a, b) {
  both <- !is.na(a) & !is.na(b); p <- prop.table(table(a[both], b[both]))
  chance <- sum(rowSums(p) * colSums(p)); (sum(diag(p)) - chance) / (1 - chance)
}

# Survival.
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-15, iter.max = 50)
panel <- function(d, endpoint, group, inside, late, levels) {
  time <- d[[paste0(endpoint, ".time")]]; event <- d[[paste0(endpoint, ".event")]]
  keep <- !is.na(time) & !is.na(event) & !is.na(group) & (inside %in% TRUE) & (late == 0 | time > late)
  data.frame(time = time[keep] - late, event = event[keep], group = factor(group[keep], levels))
}
competes <- function(s) any(s$event > 1)
curve_of <- function(s, label) survfit(Surv(time, event == 1) ~ 1, s[s$group == label, ], conf.type = "log-log")
survival_at <- function(s, label, time) summary(curve_of(s, label), times = time, extend = TRUE)$surv
incidence_at <- function(s, label, time) {
  s <- s[s$group == label, ]; state <- factor(s$event, c(0, sort(unique(c(1, s$event[s$event > 0])))))
  summary(survfit(Surv(s$time, state) ~ 1), times = time, extend = TRUE)$pstate[, 2]
}
median_of <- function(s, label) unname(quantile(curve_of(s, label), 0.5)$quantile)
ratio_of <- function(s, label) {
  f <- tryCatch(coxph(Surv(time, event == 1) ~ group, s, control = tight), error = function(e) NULL)
  if (is.null(f)) NA else unname(exp(coef(f))[paste0("group", label)])
}
test_of <- function(s) {
  if (competes(s)) return(cmprsk::cuminc(s$time, s$event, s$group)$Tests[1, "pv"])
  f <- survdiff(Surv(time, event == 1) ~ group, s); pchisq(f$chisq, length(f$n) - 1, lower.tail = FALSE)
}
covariates_of <- function(d, terms, keep) {
  columns <- lapply(names(terms), function(name) {
    value <- d[[name]][keep]
    if (!length(terms[[name]])) return(setNames(data.frame(value), name))
    present <- terms[[name]][terms[[name]] %in% as.character(value)]
    setNames(data.frame(lapply(present[-1], function(level) as.numeric(as.character(value) == level))),
             paste(name, "=", present[-1]))
  })
  as.matrix(do.call(cbind, columns))
}
cases_of <- function(d, endpoint, terms) {
  known <- !is.na(d[[paste0(endpoint, ".time")]])
  for (name in names(terms)) known <- known & !is.na(d[[name]])
  list(time = d[[paste0(endpoint, ".time")]][known], event = d[[paste0(endpoint, ".event")]][known],
       x = covariates_of(d, terms, known))
}
cox_model <- function(d, endpoint, terms) {
  k <- cases_of(d, endpoint, terms)
  setNames(as.list(exp(coef(coxph(Surv(k$time, k$event == 1) ~ k$x, control = tight)))), colnames(k$x))
}
subdistribution <- function(d, endpoint, terms) {
  k <- cases_of(d, endpoint, terms)
  setNames(as.list(exp(cmprsk::crr(k$time, k$event, k$x, gtol = 1e-14, maxiter = 100)$coef)), colnames(k$x))
}
