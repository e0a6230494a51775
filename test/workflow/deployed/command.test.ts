// A stage from nothing to nothing by the command, with the unmodified osls.

import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { makeTemporaryFolder } from '../../../build/temporary-folder.ts';
import { init } from '../../../cli/commands/init.ts';
import { deploy } from '../../../cli/commands/stages/deploy.ts';
import { doctor } from '../../../cli/commands/stages/doctor.ts';
import { remove } from '../../../cli/commands/stages/remove.ts';
import type { Clone } from '../../../cli/deploy/clone.ts';
import { runOsls } from '../../../cli/deploy/osls.ts';
import { getVersion } from '../../../lib/infinstor/discovery.ts';
import { packageStage } from '../../../scripts/package-stage.ts';
import { casesInScope } from '../../scope.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { onboard, requestFor, run } from '../sandbox.ts';
import { projectFor } from './project.ts';
import { createSuperadminSecret, leaksIn, sandboxWith, withEmptySandbox } from './stage.ts';

const tool = join(resolve(import.meta.dirname, '../../..'), 'node_modules/osls/bin/serverless.js');

/** What `init` does outside of itself, in a folder and with nobody to ask. */
const worldIn = (folder: string) => ({
  ...{ folder, environment: {}, send: fetch, getVersion },
  ask: () => Promise.reject(new Error('Nobody is there')),
});

it('the stage of an empty sandbox is made by init, without a question', () =>
  withEmptySandbox(async ({ endpoint: url }) => {
    const folder = makeTemporaryFolder(join(tmpdir(), 'init-'));
    try {
      const session = sessionFor({ kind: 'endpoint', url, stage: 'dev' });
      const { document } = await init({ words: ['dev'], options: {} }, session, worldIn(folder.path));
      expect(document).toMatchObject({ status: 'SUCCEEDED', questions: [] });
    } finally {
      folder.remove();
    }
  }));

it.each(casesInScope(['an empty sandbox'], []))(
  'is made for %s, is deployed, is deployed again, works, and is removed',
  () =>
    withEmptySandbox(async (empty) => {
      const project = await projectFor(empty);
      const root = project.path;
      const clone: Clone = {
        root,
        packageStage: (stage) => packageStage(stage, root),
        osls: (given, onLine) => runOsls({ root, tool, ...given }, onLine),
      };
      const session = () => sessionFor({ kind: 'endpoint', url: empty.endpoint, stage: 'dev' });
      try {
        // In place of the file that the project was made with.
        const initialized = await init({ words: ['dev'], options: { force: true } }, session(), worldIn(root));
        expect(initialized.document).toMatchObject({ status: 'SUCCEEDED', questions: [] });
        const first = await deploy({ options: {} }, session(), clone);
        expect(first).toMatchObject({ status: 1, document: { deployed: true } });
        expect(first.document).toMatchObject({
          checks: expect.arrayContaining([expect.objectContaining({ what: 'superadmin secret', outcome: 'fail' })]),
        });
        await createSuperadminSecret(empty, 'dev');
        expect(await deploy({ options: {} }, session(), clone)).toMatchObject({
          ...{ status: 0, document: { deployed: false } },
        });
        const sandbox = await sandboxWith(empty, 'infinstor-onboarding-dev');
        expect(await onboard(sandbox, requestFor('first'))).toMatchObject({ status: 'SUCCEEDED' });
        expect(await doctor({ options: {} }, session())).toMatchObject({ status: 0 });
        const confirmed = { options: { confirm: 'dev' } };
        await expect(remove(confirmed, session(), clone)).rejects.toMatchObject({ name: 'SubscribersLeft' });
        await run(sandbox, 'offboard-subscriber', { subscriber: { userName: 'first' }, confirm: 'first' });
        expect(await leaksIn(sandbox)).toEqual([]);
        await remove(confirmed, session(), clone);
        expect(empty.cloudFormation.stack('infinstor-onboarding-dev')).toBeUndefined();
      } finally {
        project.remove();
      }
    }),
);
