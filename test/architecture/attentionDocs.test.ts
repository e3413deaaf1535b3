import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attentionRules } from '../../src/domain/order/attention';

const read = (name: string) => readFileSync(join(__dirname, '..', '..', 'docs', name), 'utf8');
const reasons = Object.keys(attentionRules).sort();

interface Entry {
  reason: string;
  cells: string[];
}

/** Rows of the table under a heading whose first cell begins with a reason's name. */
function readTable(text: string, heading: string): Entry[] {
  const section = text.slice(text.indexOf(heading)).split('\n#')[0] ?? '';
  return section.split('\n').flatMap((line) => {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const reason = /^`(\w+)`/.exec(cells[0] ?? '')?.[1];
    return reason === undefined ? [] : [{ reason, cells }];
  });
}

const han = /\p{Script=Han}/u;

test('operations know what each attention means, in both languages', () => {
  const table = readTable(read('operations.md'), '### What each attention means');
  expect(table.map(({ reason }) => reason).sort()).toEqual(reasons);
  for (const { reason, cells } of table) {
    const { actions } = attentionRules[reason as keyof typeof attentionRules];
    const [name = '', meaning = '', answers = ''] = cells;
    expect(name).toMatch(han);
    expect(meaning).not.toBe('');
    const named = [...answers.matchAll(/`(\w+)`/g)].map(([, action = '']) => action);
    // each answer is explained, and no other
    expect({ reason, named: [...new Set(named)].filter((word) => word !== 'xianda').sort() }).toEqual({
      reason,
      named: [...actions].sort(),
    });
  }
});

test('the glossary lists each reason with its deadline and its answers', () => {
  const table = readTable(read('glossary.md'), '## Reasons for attention');
  expect(table.map(({ reason }) => reason).sort()).toEqual(reasons);
  for (const { reason, cells } of table) {
    const { actions, deadlineMinutes } = attentionRules[reason as keyof typeof attentionRules];
    const [, chinese = '', , , within, answers] = cells;
    expect(chinese).toMatch(han);
    expect({ reason, within, answers }).toEqual({
      reason,
      within: deadlineMinutes < 60 ? `${deadlineMinutes} min` : `${deadlineMinutes / 60} h`,
      answers: actions.join(' · '),
    });
  }
});
