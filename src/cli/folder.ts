import { ruleStore } from '../here/rule-store.ts';
import {
  type CommandRules,
  type FolderAnswer,
  folderTrust,
  narrowedByProject,
  readProjectConfig,
  type SessionOptions,
  type Strictness,
  TroupeError,
  workTreeOf,
} from '../index.ts';
import { block, foreignName } from './block.ts';
import type { Asker, Paint } from './terminal.ts';

/** What a run is set to before the folder has a say. */
export type FolderSettings = Strictness &
  Readonly<{
    cwd: string;
    home: string;
    /** The approval policy was given on the command line. */
    isPolicyGiven: boolean;
  }>;

/** What holds in this folder. */
export type FolderLimits = Strictness &
  Readonly<{ protectedNames: readonly string[] }> &
  Required<Pick<SessionOptions, 'beforeToolCall' | 'commandRules' | 'keepCommandRule'>>;

export type FolderStage = Readonly<{
  /** Null where nobody can be asked. */
  asker: Asker | null;
  paint: Paint;
  note(label: string, text: string): void;
  signal: AbortSignal;
}>;

/**
 * Settles what holds in a folder: what a person says of it (asked once, where somebody can be), and what the project asks for,
 * which can only make it stricter. Nothing of the project runs, and nothing is sent, before this is done.
 */
export async function settleFolder(settings: FolderSettings, stage: FolderStage): Promise<FolderLimits> {
  const { cwd, home, isPolicyGiven } = settings;
  const workTree = await workTreeOf(cwd);
  const trust = await trustOf(home, workTree, stage);
  const isNarrowed = trust === 'not-trusted' && !isPolicyGiven && settings.approvalPolicy === 'on-request';
  const inForce: Strictness = {
    sandbox: settings.sandbox,
    approvalPolicy: isNarrowed ? 'untrusted' : settings.approvalPolicy,
  };
  const project = await readProjectConfig(workTree);
  const { warnings, ...strictness } = narrowedByProject(inForce, project.config);
  const { problems } = await ruleStore(home).read();
  for (const warning of [...project.warnings, ...warnings, ...problems]) stage.note('warning', warning);
  return {
    ...strictness,
    protectedNames: project.config.protect,
    beforeToolCall: trust === 'trusted' ? () => undefined : refuseEscalation,
    commandRules: async () => rulesIn(home, trust === 'trusted', project.config.deny),
    async keepCommandRule(rule) {
      const kept = await ruleStore(home).add(rule);
      return kept.status === 'not-kept' ? kept.why : null;
    },
  };
}

type Trusted = 'trusted' | 'not-trusted' | 'unknown';

async function trustOf(home: string, workTree: string, stage: FolderStage): Promise<Trusted> {
  const folders = folderTrust(home);
  const known = await folders.of(workTree);
  if (known.problem !== null) stage.note('warning', known.problem);
  if (known.trust !== 'unknown' || stage.asker === null) return known.trust;
  const isTrusted = await stage.asker.confirm(questionLines(known, stage.paint), stage.signal);
  if (stage.signal.aborted) throw new TroupeError('rejected', 'Stopped before anything was begun.');
  // An input that has ended has decided nothing: it is not trusted for now, and asked about again.
  if (isTrusted === null) return 'not-trusted';
  const problem = await folders.remember(known.folder, isTrusted);
  if (problem !== null) stage.note('warning', problem);
  return isTrusted ? 'trusted' : 'not-trusted';
}

function questionLines({ folder }: FolderAnswer, paint: Paint): string[] {
  const lines = [
    paint.strong('Do you trust what is in this folder?'),
    `  ${foreignName(folder.path)}`,
    'No: everything but plain reads asks (unless you gave -a), and nothing leaves the sandbox. It is remembered.',
  ];
  return block('folder', lines, paint, paint.alert);
}

const refuseEscalation: NonNullable<SessionOptions['beforeToolCall']> = ({ input, context }) => {
  const isEscalated =
    context.sandbox !== 'danger-full-access' &&
    typeof input === 'object' &&
    input !== null &&
    'with_escalated_permissions' in input &&
    input.with_escalated_permissions === true;
  return isEscalated ? { verdict: 'refuse', message: ESCALATION_REFUSED } : undefined;
};

const ESCALATION_REFUSED =
  'Expected a command without `with_escalated_permissions`: the user has not said that this folder is trusted, so nothing here runs outside the sandbox. Call it without.';

/** What the user denies holds everywhere, what he allows only where he trusts what is there. */
async function rulesIn(home: string, isTrusted: boolean, denied: CommandRules['deny']): Promise<CommandRules> {
  const { rules } = await ruleStore(home).read();
  return { allow: isTrusted ? rules.allow : [], deny: [...rules.deny, ...denied] };
}
