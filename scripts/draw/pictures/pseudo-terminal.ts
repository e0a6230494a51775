import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** What ran in a terminal: all that it has written there, and its exit status. */
export interface Ended {
  output: string;
  status: number | null;
}

interface Terminal {
  columns: number;
  /** What the shell has. */
  environment: Readonly<Record<string, string>>;
  folder: string;
  /** What is typed when the output has this form. */
  typed?: { after: RegExp; keys: string; when?: () => Promise<unknown> };
}

/**
 * Runs a program in a pseudo-terminal of its own, which `script` makes: Node has none, util-linux and macOS each have a `script`.
 * @throws Error when there is no `script`
 */
export async function runInTerminal(
  program: readonly string[],
  { columns, environment, folder, typed }: Terminal,
): Promise<Ended> {
  const line = `stty cols ${columns} rows 40; exec ${program.map(quoted).join(' ')}`;
  const args = process.platform === 'darwin' ? ['-q', '/dev/null', '/bin/sh', '-c', line] : ['-qec', line, '/dev/null'];
  const child = spawn('script', args, { cwd: folder, env: { ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let isTyped = typed === undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (isTyped || typed === undefined || !typed.after.test(output)) return;
    isTyped = true;
    void type(child, typed);
  });
  const [status] = await once(child, 'close').catch((error: unknown) => {
    throw new Error(
      'Tests and pictures of a terminal need the command script (Debian: bsdutils; Fedora: util-linux-script)',
      { cause: error },
    );
  });
  return { output, status: typeof status === 'number' ? status : null };
}

async function type({ stdin }: ChildProcess, { keys, when }: NonNullable<Terminal['typed']>): Promise<void> {
  await when?.();
  stdin?.write(keys);
}

const quoted = (word: string) => `'${word.replaceAll("'", String.raw`'\''`)}'`;
