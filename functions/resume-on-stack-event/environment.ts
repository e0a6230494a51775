export { stackWaitEnvironmentSchema as environmentSchema } from '../../lib/stacks/waiting/environment.ts';
