import * as v from 'valibot';
import { vi } from 'vitest';
import { doctor } from '../../../cli/commands/stages/doctor.ts';
import { sandboxAt, type Target } from '../../../cli/target/target.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { spoken } from '../sandbox.ts';

const findingsSchema = v.object({
  checks: v.array(v.object({ what: v.string(), outcome: v.string(), why: v.string(), mend: v.nullable(v.string()) })),
});

/** How tests look at the stage of a sandbox. */
export function looksAt(sandbox: () => Sandbox) {
  /** Looks at the stage. @param keys those that are named */
  async function look(target: Target = sandboxAt(sandbox().endpoint), keys: string[] = []) {
    let shown = '';
    const options = { key: keys };
    const { document, text, status } = await doctor(
      { options },
      sessionFor(target, (part) => (shown += part)),
    );
    spoken.push(shown, JSON.stringify(document));
    const { checks } = v.parse(findingsSchema, document);
    return { checks, shown: shown + text, status, wrong: checks.filter(({ outcome }) => outcome !== 'ok') };
  }

  /** A stage as with nothing but the environment set, with somebody's keys. */
  function asStage({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }): Target {
    vi.stubEnv('AWS_ENDPOINT_URL', sandbox().endpoint);
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
    return { kind: 'stage', stage: 'sandbox', region: 'us-east-1' };
  }

  return { look, asStage };
}
