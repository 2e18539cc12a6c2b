//! Runs orders as tasks of the worker: a caller may leave, its order is still finished and recorded.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::id::{LogId, OrgId};
use ig_core::order::{DeliveryOrder, OrderReport};
use ig_service::{Context, TaskKind};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{OrderError, Orders};

/// The most orders that run at once.
const MAX_CONCURRENT: usize = 1_000;

/// The result of an order, for all its callers.
pub(crate) type OrderResult = Arc<Result<OrderReport, OrderError>>;

type ResultReceiver = watch::Receiver<Option<OrderResult>>;
/// The identity of an order: the log of its delivery.
type Key = (OrgId, LogId);

/// The running orders. An order that comes again meanwhile waits for the result of the first.
pub(crate) struct OrderTasks {
    orders: Orders,
    context: Context,
    running_orders: Mutex<HashMap<Key, ResultReceiver>>,
}

impl OrderTasks {
    /// Runs orders as tasks of this service.
    pub(crate) fn new(orders: Orders, context: Context) -> Self {
        Self {
            orders,
            context,
            running_orders: Mutex::default(),
        }
    }

    /// Whether no order is running.
    pub(crate) fn is_empty(&self) -> bool {
        self.running_orders.lock().is_empty()
    }

    /// Starts an order, or joins it, and waits for its result.
    pub(crate) async fn carry_out(self: &Arc<Self>, order: DeliveryOrder) -> OrderResult {
        let result = async {
            let mut receiver = self.start_or_join(order)?;
            let result = receiver.wait_for(Option::is_some).await.ok()?;
            result.clone()
        };
        result.await.unwrap_or_else(|| Arc::new(Err(OrderError::Unavailable)))
    }

    fn start_or_join(self: &Arc<Self>, order: DeliveryOrder) -> Option<ResultReceiver> {
        let key = (order.org_id, order.message_id.log_id(order.event_created_at));
        let mut running_orders = self.running_orders.lock();
        if let Some(receiver) = running_orders.get(&key) {
            return Some(receiver.clone());
        }
        if running_orders.len() >= MAX_CONCURRENT {
            return None;
        }
        let (sender, receiver) = watch::channel(None);
        running_orders.insert(key, receiver.clone());
        let running = RunningOrder {
            tasks: Arc::clone(self),
            key,
        };
        self.context.spawn("order", TaskKind::OneShot, async move {
            let result = running.tasks.orders.carry_out(order).await;
            sender.send_replace(Some(Arc::new(result)));
        });
        Some(receiver)
    }
}

/// A running order; dropping it, however it ended, removes it.
struct RunningOrder {
    tasks: Arc<OrderTasks>,
    key: Key,
}

impl Drop for RunningOrder {
    fn drop(&mut self) {
        self.tasks.running_orders.lock().remove(&self.key);
    }
}
