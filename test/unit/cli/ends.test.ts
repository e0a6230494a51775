import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
// biome-ignore lint/style/noRestrictedImports: to look again at what other processes announce to nobody; how long it takes decides nothing
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { casesInScope, isWhole } from '../../scope.ts';
import { type Child, child } from './child.ts';

const root = resolve(import.meta.dirname, '../../..');
const commands = [
  ['npm start', ['cli/start.ts'], /AcceptRequest/],
  ['npm run sandbox', ['sandbox/main.ts', '--port', '0'], /^Function logs .*\n/m],
] as const;
const isCli = ([file]: readonly string[]) => file === 'cli/start.ts';
const signals = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;
const closedPipe = 141;

/** Code that does something as soon as the main thread has written such a text. */
const when = (pattern: RegExp, action: string) => `
  import { isMainThread } from 'node:worker_threads';
  for (const stream of isMainThread ? [process.stdout, process.stderr] : []) {
    const write = stream.write;
    stream.write = function (text, ...rest) {
      if (${pattern}.test(text)) { ${action} }
      return write.call(this, text, ...rest);
    };
  }`;

const children: Child[] = [];
function run(...parameters: Parameters<typeof child>): Child {
  const started = child(...parameters);
  children.push(started);
  return started;
}
afterEach(async () => {
  for (const { process, ended, temporaryFolder } of children.splice(0)) {
    process.kill('SIGKILL');
    await ended;
    rmSync(temporaryFolder, { recursive: true, force: true });
  }
});

describe.each(commands)('%s', (_, script, isRunning) => {
  // All of both, or each way to end for one of them, since they end by the same code. A SIGHUP usually comes while one packages.
  const usual = isCli(script) ? signals.slice(0, 1) : signals.slice(1, 2);
  const [ofCommand, ofSandbox] = [isWhole || isCli(script), isWhole || !isCli(script)];

  it.each(casesInScope(signals, usual))(
    'ends by %s with status %i, and leaves nothing but its logs',
    async (signal, expected) => {
      const command = run(script);
      await command.says(isRunning);
      command.process.kill(signal);
      expect(await command.ended).toEqual({ status: expected, signal: null });
      const [, folder = ''] =
        /^(?:Function logs +|The functions' logs are in | {2}Logs +)(.*)$/m.exec(command.said().stdout) ?? [];
      expect(readdirSync(folder)).not.toEqual([]);
      expect(command.left()).toEqual([['logs']]);
      expect(command.said().stderr).not.toMatch(/^ +at /m);
    },
  );

  if (ofSandbox)
    it('ends by Ctrl-C like that when a second one comes while it ends', async () => {
      const command = run(script, { preload: "process.on('exit', () => process.kill(process.pid, 'SIGINT'));" });
      await command.says(isRunning);
      command.process.kill('SIGINT');
      expect(await command.ended).toEqual({ status: 130, signal: null });
      expect(command.left()).toEqual([['logs']]);
    });

  const streams = ['stdout', 'stderr'] as const;

  // Usually the command's stdout is closed in the midst of an onboarding, by a test below.
  it.each(casesInScope(streams, isCli(script) ? ['stderr'] : []))(
    'ends quietly when nobody reads its %s, and leaves nothing',
    async (name) => {
      // The sandbox says something on stderr before it begins, the command only when it has failed.
      const args = name === 'stderr' && isCli(script) ? [...script, 'none.json'] : script;
      const command = run(args);
      command.process[name].destroy();
      expect(await command.ended).toEqual({ status: closedPipe, signal: null });
      expect(command.left()).toEqual([]);
      expect(command.said().stderr).not.toMatch(/^ +at |EPIPE/m);
    },
  );

  if (ofSandbox)
    it('leaves no more than its logs after an error that nobody expected', async () => {
      const preload = when(isRunning, "setImmediate(() => { throw new Error('unexpected'); });");
      const command = run(script, { preload });
      expect(await command.ended).toEqual({ status: 1, signal: null });
      expect(command.said().stderr).toContain('Error: unexpected');
      // Those of the command were not announced yet.
      expect(command.left()).toEqual(isCli(script) ? [] : [['logs']]);
    });

  it.each(casesInScope(['osls packages'], []))('leaves nothing half-made when Ctrl-C ends it while %s', async () => {
    const project = copyOfProject();
    try {
      const command = run(script, { project });
      await command.says(/Packaging/);
      const osls = await pidOfOsls(project, command);
      command.process.kill('SIGINT');
      expect(await command.ended).toEqual({ status: 130, signal: null });
      while (isAlive(osls)) await wait(10);
      expect({ temporary: command.left(), packages: packagesOf(project) }).toEqual({ temporary: [], packages: [] });
    } finally {
      rmSync(project, { recursive: true });
    }
  });

  if (ofCommand)
    it('leaves nothing half-made when SIGHUP ends it while esbuild bundles', async () => {
      const project = copyOfProject();
      try {
        const command = run(script, { project });
        while (packagesOf(project).length === 0 && command.process.exitCode === null) await wait(10);
        command.process.kill('SIGHUP');
        expect(await command.ended).toEqual({ status: 129, signal: null });
        expect({ temporary: command.left(), packages: packagesOf(project) }).toEqual({ temporary: [], packages: [] });
      } finally {
        rmSync(project, { recursive: true });
      }
    });
});

it('npm run sandbox -- --empty says what a stage needs, and leaves nothing but its logs', async () => {
  const command = run(['sandbox/main.ts', '--port', '0', '--empty']);
  await command.says(/^Function logs .*\n/m);
  command.process.kill('SIGINT');
  expect(await command.ended).toEqual({ status: 130, signal: null });
  expect(command.left()).toEqual([['logs']]);
  const { stdout, stderr } = command.said();
  expect(stderr).toBe('Booting the sandbox …\n');
  const [, url = ''] = /running at (\S+) /.exec(stdout) ?? [];
  expect(stdout).toContain(`  infinstorMlflowUrl: '${url}/infinstor'\n`);
  expect(stdout).toMatch(/^ {2}builds: '\{"2\.3\.72":"[0-9a-f]{64}"\}'$/m);
});

/** A project of which nothing was packaged yet, and osls never comes to an end. */
function copyOfProject(): string {
  const project = mkdtempSync(join(tmpdir(), 'project-'));
  for (const name of readdirSync(root)) {
    if (/^(\.git|\.node|\.sandbox|\.serverless|node_modules|dist|docs|reports|test)$/.test(name)) continue;
    cpSync(join(root, name), join(project, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  writeFileSync(
    join(project, 'deployment/accounts.cjs'),
    `module.exports = () => {
      require('node:fs').writeFileSync(${JSON.stringify(join(project, 'osls.pid'))}, String(process.pid));
      return new Promise((resolve) => setTimeout(resolve, 3_600_000));
    };`,
  );
  return project;
}

/** Settles when osls packages. @throws Error with what the command has said when that ends before */
async function pidOfOsls(project: string, command: Child): Promise<number> {
  const file = join(project, 'osls.pid');
  for (;;) {
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (pid > 0) return pid;
    if (command.process.exitCode !== null) throw new Error(`It ended before osls ran: ${command.said().stderr}`);
    await wait(10);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Whether a function has written into its log, in whatever sandbox of this folder. */
function hasLogged(folder: string): boolean {
  const logs = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'));
  return logs.some((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size);
}

/** The packages that were kept or begun. */
function packagesOf(project: string): string[] {
  const folder = join(project, '.sandbox');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('packag')) : [];
}

describe('npm start', () => {
  it('says in one line that its output cannot be written', async () => {
    const full = "process.stdout.emit('error', Object.assign(new Error('full'), { code: 'ENOSPC' }));";
    const command = run(['cli/start.ts', '--help'], { preload: when(/Usage/, full) });
    expect(await command.ended).toEqual({ status: 1, signal: null });
    expect(command.said().stderr).toBe('The output cannot be written: ENOSPC\n');
  });

  // Usually it is run once to its end, for the README: test/docs/terminal.test.ts.
  if (isWhole)
    it('leaves the logs that it names when the onboarding is over', async () => {
      const command = run(['cli/start.ts']);
      expect(await command.ended).toEqual({ status: 0, signal: null });
      expect(command.said().stdout).toMatch(new RegExp(`^ +Logs +${command.temporaryFolder}`, 'm'));
      expect(command.left()).toEqual([['logs']]);
    });

  it.each(casesInScope(['a document'], []))('leaves nothing after %s, which names no logs', async () => {
    const command = run(['cli/start.ts', '--json']);
    expect(await command.ended).toEqual({ status: 0, signal: null });
    expect(command.left()).toEqual([]);
  });

  it('leaves nothing when a signal ends it before it has a document', async () => {
    const command = run(['cli/start.ts', '--json']);
    while (!hasLogged(command.temporaryFolder) && command.process.exitCode === null) await wait(10);
    command.process.kill('SIGTERM');
    expect(await command.ended).toEqual({ status: 143, signal: null });
    expect({ left: command.left(), ...command.said() }).toEqual({ left: [], stdout: '', stderr: '' });
  });

  it('ends quietly when its reader goes after the first lines', async () => {
    const command = run(['cli/start.ts']);
    await command.says(/AcceptRequest/);
    command.process.stdout.destroy();
    expect(await command.ended).toEqual({ status: closedPipe, signal: null });
    expect({ left: command.left(), stderr: command.said().stderr }).toEqual({ left: [], stderr: '' });
  });
});

describe('npm run sandbox', () => {
  it('has a fixed port, so that an endpoint can be written down once', async () => {
    const preload = `
      import { Server } from 'node:net';
      Server.prototype.listen = (port) => { process.stderr.write('port ' + port); process.exit(0); };`;
    const command = run(['sandbox/main.ts'], { preload });
    expect(await command.ended).toEqual({ status: 0, signal: null });
    expect(command.said().stderr).toBe('port 4566');
  });

  /** A port of 127.0.0.1 that the test holds. */
  async function takenPort() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('A listening server has an address');
    return { port: String(address.port), server };
  }
  const advice = (port: string) =>
    `Port ${port} is in use by another program, perhaps another sandbox. Choose another port with \`npm run sandbox -- --port N\`; 0 takes a free one.\n`;

  it('says that a port is taken before it packages anything', async () => {
    const { port, server } = await takenPort();
    const command = run(['sandbox/main.ts', '--port', port]);
    expect(await command.ended).toEqual({ status: 1, signal: null });
    server.close();
    expect(command.said()).toEqual({
      stdout: '',
      stderr: `listen EADDRINUSE: address already in use 127.0.0.1:${port}\n${advice(port)}`,
    });
    expect(command.left()).toEqual([]);
  });

  it('says so, too, when a program takes the port while it packages', async () => {
    const { port, server } = await takenPort();
    server.close();
    await once(server, 'close');
    const preload = `import { createServer } from 'node:net';\n${when(
      /Packaging/,
      `createServer().listen(${port}, '127.0.0.1');`,
    )}`;
    const command = run(['sandbox/main.ts', '--port', port], { preload });
    expect(await command.ended).toEqual({ status: 1, signal: null });
    expect(command.said().stderr).toMatch(/Booting the sandbox …\nlisten EADDRINUSE/);
    expect(command.said().stderr).toContain(advice(port));
    expect(command.left()).toEqual([]);
  });
});
