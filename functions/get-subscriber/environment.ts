import * as v from 'valibot';

export const environmentSchema = v.object({
  REGISTRY_TABLE: v.string(),
  STATE_MACHINE_ARN: v.string(),
});
