export { reconcilerEnvironmentSchema as environmentSchema } from '../../lib/keys/reconciler-environment.ts';
