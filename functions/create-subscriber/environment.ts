import * as v from 'valibot';

export const environmentSchema = v.object({
  /** `https://mlflow.<service>`, without a slash at the end. */
  INFINSTOR_MLFLOW_URL: v.pipe(v.string(), v.url(), v.regex(/[^/]$/, 'must not end with a slash')),
  /** Where add_subscriber's answer holds the custom token, with dots between the keys; the known fallbacks are tried after it. */
  CUSTOM_TOKEN_PATH: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
