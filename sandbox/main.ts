import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { packageForSandbox } from '../build/package.ts';
import type { Sandbox } from './boot.ts';
import { account, fixtures, operator } from './core/account.ts';
import { endWithSignals } from './core/process-end.ts';

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

/**
 * Settles when nobody listens on the port; a program may still take it afterwards.
 * @throws Error of the system when the port cannot be listened on
 */
async function checkPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

endWithSignals();

let port: number | undefined;
try {
  port = readPort();
} catch (error) {
  fail(error, 2, `\n${usage}`);
}
try {
  // Also before anything is packaged, which may take long.
  if (port !== undefined) await checkPort(port);
  process.stderr.write('Packaging the functions …\n');
  // The sandbox is loaded meanwhile: most of packaging is another process's work.
  const [packageFolder, { bootSandbox }] = await Promise.all([packageForSandbox(), import('./boot.ts')]);
  process.stderr.write('Booting the sandbox …\n');
  const sandbox = await bootSandbox({ packageFolder, ...(port === undefined ? {} : { port }) });
  process.stdout.write(description(sandbox), (error) => {
    // Logs that nobody knows of are for nobody.
    if (!error) sandbox.keepLogs();
  });
} catch (error) {
  fail(error, 1, adviceFor(error));
}

/** What to do about an error of the port; nothing for other errors. */
function adviceFor(error: unknown): string {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return 'Another program has this port: give another one, or none to take a free one.\n';
    case 'EACCES':
      return 'You may not listen on this port: give another one, or none to take a free one.\n';
    default:
      return '';
  }
}

function fail(error: unknown, status: number, advice: string): never {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${advice}`);
  process.exit(status);
}
