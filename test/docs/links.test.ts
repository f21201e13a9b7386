import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { configVariables } from '../../functions/runtime/config.ts';
import packageJson from '../../package.json' with { type: 'json' };

const root = join(import.meta.dirname, '../..');
const guides = [
  'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'terraform/README.md', 'pipelines/nba/service/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md')).map((file) => join('docs', file)),
];
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Headings as GitHub names them in links. */
function anchorsOf(text: string): ReadonlySet<string> {
  const prose = text.replaceAll(/```[\s\S]*?```/g, '');
  return new Set([...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

describe('the guides', () => {
  for (const guide of guides) {
    it(`${guide} links to what is there`, () => {
      for (const [link, file = '', anchor] of read(guide).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)) {
        const target = file === '' ? guide : relative(root, join(root, dirname(guide), file));
        assert.ok(existsSync(join(root, target)), `${link}: there is no ${target}`);
        if (anchor !== undefined) assert.ok(anchorsOf(read(target)).has(anchor), `${link}: ${target} has no such heading; it has ${[...anchorsOf(read(target))].join(', ')}`);
      }
    });

    it(`${guide} names scripts of package.json`, () => {
      for (const [, script = ''] of read(guide).matchAll(/\bnpm run ([\w:-]+)/g)) assert.ok(Object.hasOwn(packageJson.scripts, script), `npm run ${script}`);
    });
  }

  it('explain every environment variable of the functions, in docs/deploy.md', () => {
    const table = read('docs/deploy.md');
    assert.deepEqual(configVariables.filter((name) => !table.includes(`\`${name}\``)), []);
  });

  it('list every decision in docs/decisions/README.md', () => {
    const index = read('docs/decisions/README.md');
    assert.deepEqual(readdirSync(join(root, 'docs/decisions')).filter((file) => file !== 'README.md' && !index.includes(`(${file})`)), []);
  });
});
