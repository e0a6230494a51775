export { updateEnvironmentSchema as environmentSchema } from '../../lib/preflight/update.ts';
