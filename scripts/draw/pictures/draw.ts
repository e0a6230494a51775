import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packageForSandbox } from '../../../build/package.ts';
import { bootSandbox } from '../../../sandbox/boot.ts';
import { pictureOf } from './picture.ts';
import { createStage, pictured, scenes, widths } from './scenes.ts';

/** Where the pictures are. */
export const pictureFolder = resolve(import.meta.dirname, '../../../docs/pictures');

/** Draws all pictures anew, from what the commands write in a terminal. */
async function drawPictures(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pictures-'));
  const packageFolder = await packageForSandbox();
  const sandbox = await bootSandbox({ packageFolder, skipIdle: true, schedules: false });
  try {
    await mkdir(pictureFolder, { recursive: true });
    const { play, setUp } = await createStage(sandbox, folder);
    const draw = async (scene: (typeof scenes)[number], output: string) =>
      writeFile(join(pictureFolder, `${scene.name}.svg`), pictureOf(scene, output));
    for (const scene of scenes.filter(({ isFirst }) => isFirst)) {
      // All of them, since the others are in the lists that follow.
      for (const width of widths) {
        const { output } = await play(scene, width);
        if (width === pictured) await draw(scene, output);
      }
    }
    const release = await setUp();
    for (const scene of scenes.filter(({ isFirst }) => !isFirst))
      await draw(scene, (await play(scene, pictured)).output);
    release();
    await sandbox.clock.quiet();
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true });
  }
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) await drawPictures();
