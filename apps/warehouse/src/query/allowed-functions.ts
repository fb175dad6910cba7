// What a query may call. Anything not named here is refused: functions that read files, settings, the environment or the catalog, that
// sleep, write logs, run SQL given as text, or make large values out of nothing (repeat) are left out on purpose.

const words = (text: string): string[] => text.trim().split(/\s+/);

const OPERATORS = words(`
  + - * / // % ** ^ & | << >> ~ || @> <@ && -> ->> ~~ !~~ ~~* !~~* ~~~ ^@ = != <> < <= > >= !__postfix
  like_escape not_like_escape ilike_escape not_ilike_escape add subtract multiply divide xor
`);

const AGGREGATES = words(`
  any_value approx_count_distinct approx_quantile arbitrary arg_max arg_max_null arg_min arg_min_null argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or
  corr count count_if count_star countif covar_pop covar_samp entropy favg first fsum geomean geometric_mean group_concat histogram kahan_sum kurtosis last list listagg mad max max_by mean
  median min min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sem
  skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance weighted_avg wavg
  cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number grouping grouping_id
`);

const NUMBERS = words(`
  abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees even exp fdiv fmod floor gcd greatest isfinite isinf isnan lcm least ln log log10 log2 mod nextafter pi pow power radians
  round round_even roundbankers sign sin sqrt tan trunc
`);

const TEXTS = words(`
  ascii bar base64 bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein editdist3 ends_with format hamming instr jaccard jaro_similarity
  jaro_winkler_similarity lcase left length levenshtein lower lpad ltrim md5 nfc_normalize octet_length position prefix regexp_escape regexp_extract regexp_extract_all regexp_full_match
  regexp_matches regexp_replace regexp_split_to_array replace reverse right rpad rtrim sha256 split split_part starts_with str_split strip_accents strlen strpos string_split
  string_split_regex string_to_array substr substring suffix to_hex hex translate trim ucase unicode upper to_base64
`);

const TIMES = words(`
  age century current_date current_localtime current_localtimestamp date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear
  days_in_month decade epoch epoch_ms epoch_us era get_current_timestamp hour isodow isoyear last_day make_date make_time make_timestamp microsecond millennium millisecond minute month monthname now quarter second
  strftime strptime time_bucket to_days to_hours to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today try_strptime week weekday weekofyear year yearweek timezone
`);

const VALUES = words(`
  alias array_contains array_distinct array_extract array_filter array_length array_slice array_sort array_to_string array_transform array_value cardinality coalesce constant_or_null element_at error flatten
  generate_series hash if ifnull is_histogram_other_bin isnull json json_array_length json_contains json_exists json_extract json_extract_path json_extract_path_text json_extract_string json_keys json_type json_valid json_value
  len list_aggregate list_avg list_concat list_contains list_count list_distinct list_element list_extract list_filter list_has list_has_all list_has_any list_max list_min list_position list_reduce list_reverse_sort
  list_slice list_sort list_sum list_transform list_unique list_value list_zip map map_contains map_entries map_extract map_from_entries map_keys map_values nullif range row struct_extract struct_extract_at struct_insert struct_pack
  to_json try typeof unnest
`);

export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set([...OPERATORS, ...AGGREGATES, ...NUMBERS, ...TEXTS, ...TIMES, ...VALUES]);

/** In FROM: only what makes rows out of its arguments. */
export const ALLOWED_TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest', 'json_each']);
