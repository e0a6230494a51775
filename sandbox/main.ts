import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { packageForSandbox } from '../build/package.ts';
import type { EmptySandbox, Sandbox } from './boot.ts';
import { account, fixtures, operator } from './core/account.ts';
import { endWithSignals } from './core/process-end.ts';

/** LocalStack's port, which tools for local AWS accounts expect; fixed, so that an endpoint can be written down once. */
const defaultPort = 4566;

const otherPort = 'Choose another port with `npm run sandbox -- --port N`; 0 takes a free one.\n';

const usage = `Usage: npm run sandbox [-- --port N] [--rates] [--empty]

Keeps a sandbox running until Ctrl-C: a local AWS account with the deployed onboarding, and an
InfinStor service. Nothing of it is kept afterwards but the functions' logs.

  --port N   the port on 127.0.0.1; default: ${defaultPort}; 0 takes a free one
  --rates    refuse calls that AWS would refuse for their rate
  --empty    nothing is deployed: \`osls deploy\` makes the first stage
  --help     print this help
`;

interface Options {
  port: number;
  rates: boolean;
  empty: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      rates: { type: 'boolean', default: false },
      empty: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const { rates, empty } = values;
  if (values.port === undefined) return { port: defaultPort, rates, empty };
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port must be 0 to 65535, not ${values.port}`);
  return { port, rates, empty };
}

function description({ endpoint, apiEndpoint, stateMachineArn, registryTable, logFolder }: Sandbox): string {
  return `
The sandbox is running at ${endpoint} (account ${account.accountId}, ${account.region}). Ctrl-C ends it.

Send a request, from another terminal:
  npm start -- examples/acme.json --endpoint ${endpoint}
  npm start -- status acme --endpoint ${endpoint}

Rehearse a failure:
  npm start -- fault infinstor:register:error=503 --endpoint ${endpoint}

Use it with the AWS CLI or any SDK. With AWS_ENDPOINT_URL set, npm start needs no --endpoint:
${settings(endpoint)}
  export API=${apiEndpoint}${unwanted()}

State machine           ${stateMachineArn}
Registry table          ${registryTable}
Superadmin              ${fixtures.superadmin.userName}, secret ${fixtures.superadmin.secretId}
${keysAndLogs(logFolder)}`;
}

const settings = (endpoint: string) => `  export AWS_ENDPOINT_URL=${endpoint}
  export AWS_REGION=${account.region} AWS_DEFAULT_REGION=${account.region}
  export AWS_ACCESS_KEY_ID=${operator.accessKeyId}
  export AWS_SECRET_ACCESS_KEY=${operator.secretAccessKey}; unset AWS_SESSION_TOKEN`;

const keysAndLogs = (logFolder: string) => `Key for artifacts       ${fixtures.artifactsKeyArn}
Key for tracking        ${fixtures.trackingKeyArn}
Disabled key            ${fixtures.disabledKeyArn}
Function logs           ${logFolder}
`;

/** The password is new at every boot, and of use nowhere else. */
function emptyDescription({ endpoint, stageParams, superadmin, logFolder }: EmptySandbox): string {
  return `
The sandbox is running at ${endpoint} (account ${account.accountId}, ${account.region}), and nothing is deployed in it. Ctrl-C ends it.

Use it with the AWS CLI, osls or any SDK, from another terminal:
${settings(endpoint)}${unwanted()}

Make a stage, the secret of its superadmin, and deploy it:
  npm start -- init dev
  aws secretsmanager create-secret --name infinstor/dev/superadmin \\
    --secret-string '${JSON.stringify(superadmin)}'
  npm start -- deploy dev

What the params of a stage in this sandbox are, to write them by hand:
${Object.entries(stageParams)
  .map(([name, value]) => `  ${name}: '${value}'`)
  .join('\n')}

${keysAndLogs(logFolder)}`;
}

/** Settings of this shell with which AWS's tools refuse a custom endpoint, set for real AWS. */
function unwanted(): string {
  const names = ['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT', 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'];
  const set = names.filter((name) => process.env[name]?.toLowerCase() === 'true');
  return set.length === 0 ? '' : `\n  unset ${set.join(' ')}`;
}

/**
 * Settles when no program listens on the port; a program may still take it afterwards.
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

let options: Options = { port: 0, rates: false, empty: false };
try {
  options = readOptions();
} catch (error) {
  fail(error, 2, `\n${usage}`);
}
try {
  // Also before anything is packaged, which may take long.
  await checkPort(options.port);
  write(options.empty ? await bootEmpty() : await bootDeployed());
} catch (error) {
  fail(error, 1, adviceFor(error));
}

interface Booted {
  text: string;
  keepLogs: () => void;
}

async function bootEmpty(): Promise<Booted> {
  process.stderr.write('Booting the sandbox …\n');
  const { bootEmptySandbox } = await import('./boot.ts');
  const sandbox = await bootEmptySandbox({ port: options.port, rates: options.rates });
  return { text: emptyDescription(sandbox), keepLogs: sandbox.keepLogs };
}

async function bootDeployed(): Promise<Booted> {
  process.stderr.write('Packaging the functions …\n');
  // The sandbox is loaded meanwhile: most of packaging is another process's work.
  const [packageFolder, { bootSandbox }] = await Promise.all([packageForSandbox(), import('./boot.ts')]);
  process.stderr.write('Booting the sandbox …\n');
  const sandbox = await bootSandbox({ packageFolder, port: options.port, rates: options.rates });
  return { text: description(sandbox), keepLogs: sandbox.keepLogs };
}

function write({ text, keepLogs }: Booted): void {
  process.stdout.write(text, (error) => {
    // Logs whose folder was not printed would never be found.
    if (!error) keepLogs();
  });
}

/** What to do about an error of the port; nothing for other errors. */
function adviceFor(error: unknown): string {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return `Port ${options.port} is in use by another program, perhaps another sandbox. ${otherPort}`;
    case 'EACCES':
      return `You may not listen on port ${options.port}. ${otherPort}`;
    default:
      return '';
  }
}

function fail(error: unknown, status: number, advice: string): never {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${advice}`);
  process.exit(status);
}
