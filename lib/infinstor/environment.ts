import * as v from 'valibot';

const url = v.pipe(v.string(), v.url(), v.regex(/[^/]$/, 'must not end with a slash'));

/** What a function needs to know to call InfinStor's MLflow service. */
export const infinstorEnvironment = {
  /** `https://mlflow.<service>`, without a slash at the end. */
  INFINSTOR_MLFLOW_URL: url,
};

/** What a function needs to know to call InfinStor's API beside that, too. */
export const infinstorApiEnvironment = {
  ...infinstorEnvironment,
  /** Where that is, without a slash at the end; empty: where get_version says. */
  INFINSTOR_API_URL: v.union([v.literal(''), url]),
};

/** What a function needs to know to find a custom token in an answer. */
export const customTokenEnvironment = {
  /** Where an answer holds it, with dots between the keys; the known fallbacks are tried after it. */
  CUSTOM_TOKEN_PATH: v.string(),
  /** What stands before a token that is put together from a pair. */
  CUSTOM_TOKEN_PREFIX: v.picklist(['', 'Custom']),
};
