import * as v from 'valibot';

export const environmentSchema = v.object({
  /** `https://mlflow.<service>`, without a slash at the end. */
  INFINSTOR_MLFLOW_URL: v.pipe(v.string(), v.url(), v.regex(/[^/]$/, 'must not end with a slash')),
  /** JSON `{userName, password}`, made by the operator. */
  SUPERADMIN_SECRET_ID: v.string(),
  /** The shared token, written here and read by create-subscriber. */
  SUPERADMIN_TOKEN_SECRET_ID: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
