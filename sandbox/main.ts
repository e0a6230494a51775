import { parseArgs } from 'node:util';
import { packageForSandbox } from '../scripts/package.ts';
import { account, fixtures, operator } from './account.ts';
import { bootSandbox, type Sandbox } from './boot.ts';

const usage = `usage: npm run sandbox -- [--port N]

Keeps a sandbox running until Ctrl-C: a local AWS account with the deployed onboarding, and an InfinStor service.
  --port N   the port on 127.0.0.1 (default: a free one)
`;

function readPort(): number | undefined {
  const { values } = parseArgs({ options: { port: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  if (values.port === undefined) return undefined;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port must be 0 to 65535, not ${values.port}`);
  return port;
}

function description({ endpoint, apiEndpoint, stateMachineArn, registryTable, logFolder }: Sandbox): string {
  return `
The sandbox is running at ${endpoint} (account ${account.accountId}, ${account.region}). Ctrl-C ends it.

Send a request:
  npm start -- --endpoint ${endpoint} examples/acme.json
  npm start -- status acme --endpoint ${endpoint}

Use it with the AWS CLI or any SDK:
  export AWS_ENDPOINT_URL=${endpoint}
  export AWS_REGION=${account.region} AWS_DEFAULT_REGION=${account.region}
  export AWS_ACCESS_KEY_ID=${operator.accessKeyId}
  export AWS_SECRET_ACCESS_KEY=${operator.secretAccessKey}
  export API=${apiEndpoint}

State machine           ${stateMachineArn}
Registry table          ${registryTable}
Superadmin              ${fixtures.superadmin.userName}, secret ${fixtures.superadmin.secretId}
Key for artifacts       ${fixtures.artifactsKeyArn}
Key for tracking        ${fixtures.trackingKeyArn}
Disabled key            ${fixtures.disabledKeyArn}
Function logs           ${logFolder}
`;
}

let sandbox: Promise<Sandbox> | undefined;
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, async () => {
    const running = await sandbox?.catch(() => undefined);
    await running?.close({ keepLogs: true });
    process.exit(status);
  });
}

let port: number | undefined;
try {
  port = readPort();
} catch (error) {
  fail(error, 2, `\n${usage}`);
}
try {
  process.stderr.write('Packaging the functions …\n');
  const packageFolder = await packageForSandbox();
  process.stderr.write('Booting the sandbox …\n');
  sandbox = bootSandbox({ packageFolder, ...(port === undefined ? {} : { port }) });
  process.stdout.write(description(await sandbox));
} catch (error) {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  fail(error, 1, isTaken ? 'Another program has this port: give another one, or none to take a free one.\n' : '');
}

function fail(error: unknown, status: number, advice: string): never {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${advice}`);
  process.exit(status);
}
