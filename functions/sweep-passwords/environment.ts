import * as v from 'valibot';
import { machineEnvironment } from '../../lib/requests/environment.ts';
import { apiPasswordEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...machineEnvironment,
  ...apiPasswordEnvironment,
});
