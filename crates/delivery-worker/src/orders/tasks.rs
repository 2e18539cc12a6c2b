//! Orders as tasks of the worker: who waits for one may leave, what was begun is finished and recorded.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::id::{LogId, OrgId};
use ig_core::order::{DeliveryOrder, OrderReport};
use ig_service::{Context, Fate};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{OrderError, Orders};

/// The most orders that are carried out at once.
const MOST: usize = 1_000;

/// How an order ended, for all who wait for it.
pub(crate) type Ended = Arc<Result<OrderReport, OrderError>>;

type Ending = watch::Receiver<Option<Ended>>;
/// What an order is known by: the log of the delivery that it makes.
type Key = (OrgId, LogId);

/// The orders that are being carried out, each once: an order that comes again meanwhile waits for the end of the first.
pub(crate) struct OrderTasks {
    orders: Orders,
    context: Context,
    under_way: Mutex<HashMap<Key, Ending>>,
}

impl OrderTasks {
    /// Carries orders out as tasks of this service.
    pub(crate) fn new(orders: Orders, context: Context) -> Self {
        Self {
            orders,
            context,
            under_way: Mutex::default(),
        }
    }

    /// Whether none is being carried out.
    pub(crate) fn is_empty(&self) -> bool {
        self.under_way.lock().is_empty()
    }

    /// Begins an order, or joins it, and waits for its end.
    pub(crate) async fn carry_out(self: &Arc<Self>, order: DeliveryOrder) -> Ended {
        let ended = async {
            let mut ending = self.begin(order)?;
            let ended = ending.wait_for(Option::is_some).await.ok()?;
            ended.clone()
        };
        ended.await.unwrap_or_else(|| Arc::new(Err(OrderError::NotNow)))
    }

    fn begin(self: &Arc<Self>, order: DeliveryOrder) -> Option<Ending> {
        let key = (order.org_id, order.message_id.log_id(order.event_created_at));
        let mut under_way = self.under_way.lock();
        if let Some(ending) = under_way.get(&key) {
            return Some(ending.clone());
        }
        if under_way.len() >= MOST {
            return None;
        }
        let (sender, ending) = watch::channel(None);
        under_way.insert(key, ending.clone());
        let begun = Begun {
            tasks: Arc::clone(self),
            key,
        };
        self.context.spawn("order", Fate::Finishes, async move {
            let ended = begun.tasks.orders.carry_out(order).await;
            sender.send_replace(Some(Arc::new(ended)));
        });
        Some(ending)
    }
}

/// An order that has begun; it is under way no more when this is dropped, however it ended.
struct Begun {
    tasks: Arc<OrderTasks>,
    key: Key,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.tasks.under_way.lock().remove(&self.key);
    }
}
