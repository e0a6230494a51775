export { registryEnvironmentSchema as environmentSchema } from '../../lib/registry/environment.ts';
