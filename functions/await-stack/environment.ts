export { stackWaitEnvironmentSchema as environmentSchema } from '../../lib/stacks/wait-environment.ts';
