export { upgradeEnvironmentSchema as environmentSchema } from '../../lib/preflight/upgrade/environment.ts';
