import * as v from 'valibot';

export const environmentSchema = v.object({
  STATE_MACHINE_ARN: v.string(),
  /** Where post-subscribers puts the passwords that come through the API. */
  API_PASSWORD_PREFIX: v.string(),
});
