export type { EventStream } from './channel/guarded.ts';
export { createSession, type SessionOf } from './create-session.ts';
export {
  type Folder,
  type FolderAnswer,
  type FolderTrust,
  folderTrust,
  type Trust,
  workTreeOf,
} from './here/folder-trust.ts';
export { PROJECT_CONFIG_PATH, readProjectConfig } from './here/project-config-file.ts';
export { DEFAULT_INSTRUCTIONS } from './instructions.ts';
export type { Model, ModelAnswer, ModelOutput, ModelProgress, ModelRequest, ToolSpec } from './model/port.ts';
export { type OpenAIModelOptions, openaiModel } from './openai-model.ts';
export {
  NO_PROJECT_CONFIG,
  narrowedByProject,
  type ProjectConfig,
  parseProjectConfig,
  type Strictness,
} from './policy/project-config.ts';
export type { CommandRule, CommandRules } from './policy/rules.ts';
export type { SandboxSettings } from './policy/sandbox-profile.ts';
export type { AgentRole, AgentStatus, AgentView, WhenTaskEnds } from './protocol/agents.ts';
export type { Envelope } from './protocol/envelope.ts';
export { type ErrorCode, type TaskError, TaskFailed, TroupeError } from './protocol/errors.ts';
export type { CommittedEvent, SessionEvent, TransientEvent } from './protocol/events.ts';
export type { HistoryEntry } from './protocol/history.ts';
export type { InputPart, UserInput } from './protocol/input.ts';
export type { FileChange, Item, PlanStep } from './protocol/items.ts';
export type { AbortReason, Disposition, Receipt, TaskOutcome } from './protocol/outcomes.ts';
export { type Path, pathText } from './protocol/path.ts';
export type {
  Answered,
  Decision,
  DenyAll,
  RequestSubject,
  Resolution,
  SessionRequest,
  Unshown,
} from './protocol/requests.ts';
export type { ApprovalPolicy, Limits, SandboxMode, TaskContext, WhenBusy } from './protocol/settings.ts';
export type { Usage } from './protocol/usage.ts';
export type { WaitingOn } from './protocol/waiting.ts';
export { type ForkPoint, forkSession, resumeSession } from './resume-session.ts';
export type { AsToolOptions, SessionTool, SessionToolAnswer } from './session/as-tool.ts';
export type { Session, StartOptions } from './session/handle.ts';
export type { Task } from './session/task-handle.ts';
export type { OnRequest } from './session/world.ts';
export type { SessionOptions, WorldPorts } from './session-options.ts';
export { defineTask, type TaskDefinition } from './tasks/define-task.ts';
export { builtinTasks } from './tasks/index.ts';
export type { BeforeToolCall, DelegateSpec, SubSession, TaskPorts } from './tasks/ports.ts';
export { defineTool } from './tools/define-tool.ts';
export type { Tool, ToolResult, ToolScope } from './tools/tool.ts';
