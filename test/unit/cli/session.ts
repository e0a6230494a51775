import { createSession, type Session } from '../../../cli/session.ts';
import { sandboxAt, type Target } from '../../../cli/target/target.ts';
import { createTerminal } from '../../../cli/view/terminal.ts';

/**
 * A session of `npm start` without a terminal.
 * @param target an endpoint stands for a sandbox that runs there; undefined: nothing names a target
 */
export function sessionFor(
  target: Target | string | undefined,
  write: (text: string) => unknown = () => true,
): Session {
  return createSession({
    program: { name: 'npm start --', isTour: true },
    json: false,
    terminal: createTerminal({ write }, {}),
    isInteractive: false,
    target: typeof target === 'string' ? sandboxAt(target) : target,
    isNamed: true,
  });
}
