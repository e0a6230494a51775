import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { operatorAt } from '../../sandbox/operator.ts';
import type { Environment, Reachable } from '../target/target.ts';

/** Settings of AWS in the environment that would lead past a sandbox, or to another one's keys. */
const ofCredentials =
  /^AWS_(PROFILE|DEFAULT_PROFILE|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|ROLE_ARN|WEB_IDENTITY_TOKEN_FILE|CONTAINER_\w+|ENDPOINT_URL\w*|IGNORE_CONFIGURED_ENDPOINT_URLS)$/;

/**
 * The environment of osls for a target: of a stage that of the command, of a running sandbox its endpoint and the keys of its operator.
 * @param environment that of the command
 */
export function oslsEnvironment(target: Reachable, environment: Environment): Record<string, string> {
  const given = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const quiet = { SLS_NOTIFICATIONS_MODE: 'off', SLS_INTERACTIVE_SETUP_ENABLE: '' };
  if (target.kind === 'stage') return { ...Object.fromEntries(given), ...quiet };
  const { credentials } = operatorAt(target.url);
  return {
    ...Object.fromEntries(given.filter(([name = '']) => !ofCredentials.test(name))),
    ...quiet,
    AWS_ENDPOINT_URL: target.url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    // A sandbox is quicker than AWS.
    SLS_AWS_MONITORING_FREQUENCY: '500',
  };
}

/**
 * The arguments of osls.
 * @param region where the stage is: osls would else take the one of the stage's file, and look at another deployment than the command did
 */
export function oslsArguments(
  command: 'deploy' | 'remove',
  { target, region }: { target: Reachable; region: string },
): string[] {
  return [
    command,
    ...['--stage', target.stage, '--region', region],
    ...(target.kind === 'stage' && target.profile !== undefined ? ['--aws-profile', target.profile] : []),
    ...(command === 'deploy' ? ['--package', '.serverless'] : []),
  ];
}

/** How osls is run. */
export interface OslsRun {
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
}

/** What came of it: its exit status, and all lines that it has written. */
export interface OslsEnd {
  status: number;
  lines: string[];
}

/**
 * Runs osls in a folder.
 * @param tool the path of osls
 * @param onLine is called with each line that it writes
 */
export async function runOsls(
  { root, tool, args, environment }: OslsRun & { root: string; tool: string },
  onLine: (line: string) => void,
): Promise<OslsEnd> {
  const child = spawn(process.execPath, [tool, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment },
  });
  // Ctrl-C reaches osls by itself; what else ends the command ends it, too. CloudFormation goes on either way.
  const killChild = () => child.kill('SIGTERM');
  process.prependOnceListener('exit', killChild);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return;
      lines.push(line);
      onLine(line);
    });
  }
  try {
    const status = await new Promise<number>((done, failed) => {
      child.once('error', failed);
      child.once('close', (code) => done(code ?? 1));
    });
    return { status, lines };
  } finally {
    process.off('exit', killChild);
  }
}
