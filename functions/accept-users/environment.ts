export { usersEnvironmentSchema as environmentSchema } from '../../lib/preflight/users.ts';
