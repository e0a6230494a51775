import * as v from 'valibot';

export const environmentSchema = v.object({
  REGISTRY_TABLE: v.string(),
  STATE_MACHINE_ARN: v.string(),
  /** Where post-subscribers puts the passwords that come through the API. */
  API_PASSWORD_PREFIX: v.string(),
});
