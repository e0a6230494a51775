import * as v from 'valibot';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';
import { secretPrefixEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...machineEnvironment,
  ...secretPrefixEnvironment,
});
