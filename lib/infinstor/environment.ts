import * as v from 'valibot';

/** A URL that paths are appended to. */
export const baseUrl = v.pipe(v.string(), v.url('must be a URL'), v.regex(/[^/]$/, 'must not end with a slash'));

/** What a function needs to know to call InfinStor's MLflow service. */
export const infinstorEnvironment = {
  /** `https://mlflow.<service>`, without a slash at the end. */
  INFINSTOR_MLFLOW_URL: baseUrl,
};

/** What a function needs to know to call InfinStor's API beside that, too. */
export const infinstorApiEnvironment = {
  ...infinstorEnvironment,
  /** Where that is, without a slash at the end; empty: where get_version says. */
  INFINSTOR_API_URL: v.union([v.literal(''), baseUrl]),
};

/** What a function needs to know to find a custom token in an answer. */
export const customTokenEnvironment = {
  /** Where an answer holds it, with dots between the keys; the known fallbacks are tried after it. */
  CUSTOM_TOKEN_PATH: v.string(),
  /** What stands before a token that is put together from a pair. */
  CUSTOM_TOKEN_PREFIX: v.picklist(['', 'Custom']),
};
