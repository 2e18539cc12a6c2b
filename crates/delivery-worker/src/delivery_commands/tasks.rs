//! Runs delivery commands as tasks of the worker: a caller may leave, its command is still finished and recorded.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::delivery_command::{CommandReport, DeliveryCommand};
use ig_core::id::{LogId, OrgId};
use ig_service::{Context, TaskKind};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{CommandError, DeliveryCommands};

/// The most commands that run at once.
const MAX_CONCURRENT_COMMANDS: usize = 1_000;

/// The result of a command, for all its callers.
pub(crate) type CommandResult = Arc<Result<CommandReport, CommandError>>;

type ResultReceiver = watch::Receiver<Option<CommandResult>>;
/// The identity of a command: the log of its delivery.
type CommandKey = (OrgId, LogId);

/// The running commands. A command that comes again meanwhile waits for the result of the first.
pub(crate) struct CommandTasks {
    commands: DeliveryCommands,
    context: Context,
    running_commands: Mutex<HashMap<CommandKey, ResultReceiver>>,
}

impl CommandTasks {
    /// Runs commands as tasks of this service.
    pub(crate) fn new(commands: DeliveryCommands, context: Context) -> Self {
        Self {
            commands,
            context,
            running_commands: Mutex::default(),
        }
    }

    /// Whether no command is running.
    pub(crate) fn is_empty(&self) -> bool {
        self.running_commands.lock().is_empty()
    }

    /// Starts a command, or joins it, and waits for its result.
    pub(crate) async fn execute(self: &Arc<Self>, order: DeliveryCommand) -> CommandResult {
        let result = async {
            let mut receiver = self.start_or_join(order)?;
            let result = receiver.wait_for(Option::is_some).await.ok()?;
            result.clone()
        };
        result.await.unwrap_or_else(|| Arc::new(Err(CommandError::Unavailable)))
    }

    fn start_or_join(self: &Arc<Self>, order: DeliveryCommand) -> Option<ResultReceiver> {
        let key = (order.org_id, order.message_id.log_id(order.event_created_at));
        let mut running_commands = self.running_commands.lock();
        if let Some(receiver) = running_commands.get(&key) {
            return Some(receiver.clone());
        }
        if running_commands.len() >= MAX_CONCURRENT_COMMANDS {
            return None;
        }
        let (sender, receiver) = watch::channel(None);
        running_commands.insert(key, receiver.clone());
        let running = RunningCommand {
            tasks: Arc::clone(self),
            key,
        };
        self.context.spawn("order", TaskKind::OneShot, async move {
            let result = running.tasks.commands.execute(order).await;
            sender.send_replace(Some(Arc::new(result)));
        });
        Some(receiver)
    }
}

/// A running command; dropping it, however it ended, removes it.
struct RunningCommand {
    tasks: Arc<CommandTasks>,
    key: CommandKey,
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        self.tasks.running_commands.lock().remove(&self.key);
    }
}
