import { openStateFolder } from '../../shared/embedded/state-folder.ts';

/** Run as a process that owns a state folder: `own` never serves, `serve` does; it says on stdout when it is that far. */
const [, , path = '', mode = 'own'] = process.argv;
const opened = openStateFolder(path, '1.0.0', Date.now());
if (opened.kind === 'owned' && mode === 'serve') {
  await opened.folder.serve(async (command, io) => {
    io.stdout(`${process.pid} ${command.argv.join(' ')}\n`);
    if (command.argv[0] !== 'hang') return 3;
    return new Promise(() => undefined);
  });
}
process.stdout.write(`${opened.kind}\n`);
setInterval(() => undefined, 1 << 30);
