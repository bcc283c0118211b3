"""The whole gateway: what it consists of, in which order it starts, and how it stops."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog
from pydicom.dataset import Dataset
from sqlalchemy import exists, select

from base.certificates import Role, Validity, problems
from base.errors import SettingInvalid
from base.listening import require_free
from gateway.calls.server import StudiesServer
from gateway.delivery.committing import Report
from gateway.delivery.courier import Courier
from gateway.health import OwnHealth
from gateway.intake.activity import Activity
from gateway.intake.folder import WatchedFolder
from gateway.intake.receiving import Receiver
from gateway.intake.room import Room
from gateway.intake.scp import DicomNode
from gateway.intake.tls import ServerTls
from gateway.intake.web import Admit, WebNode
from gateway.intake.web_server import Peers, WebServer
from gateway.ledger.claims import take_back_studies
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import take_back_deliveries
from gateway.ledger.schema import instances
from gateway.limits import Rate
from gateway.metrics import LedgerCollector, page
from gateway.retention import Janitor, held_bytes
from gateway.settings import GatewaySettings
from gateway.site.file import SiteFile
from gateway.site.parts import Destination
from gateway.spool import Spool
from gateway.work.analysing import Analyst
from gateway.work.closing import Closer
from gateway.workers import Worker

_LOOK_S: Final = 0.5
_SWEEP_S: Final = 10.0
_CLEAN_S: Final = 60.0
_HEALTH_S: Final = 1.0
_SHARED_STRAY_S: Final = 600.0
"""Another gateway acknowledges what it has placed within milliseconds."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Gateway:
    """One running gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Open spool, ledger and site file, and bring in order what an earlier process left.

        Raises `SettingInvalid`, `GatewayError` or `OSError`.
        """
        self.settings = settings
        self.site_file = SiteFile(settings.site)
        self.spool = Spool(settings.spool, settings.name)
        self.ledger = Ledger(settings.ledger_url, settings.name)
        self.room = Room(
            self.spool.free_bytes, lambda: held_bytes(self.ledger), settings.min_free_mib, settings.max_spool_mib
        )
        self.activity = Activity()
        self.receiver = Receiver(self.ledger, self.spool, self.room, keep_others=settings.others == "keep")
        self.analyst = Analyst(self.ledger, self.spool, lambda: self.site_file.site, attempts=settings.engine_attempts)
        self._couriers: dict[str, tuple[Courier, Worker]] = {}
        self._workers: list[Worker] = []
        self._node: DicomNode | None = None
        self._web: WebServer | None = None
        self._studies: StudiesServer | None = None
        self._tls: ServerTls | None = None
        self._health = OwnHealth(self.fault)
        self.web_port = 0
        """Of HTTP, once it listens; 0 without."""

        self.studies_port = 0
        """Of gRPC, once it listens; 0 without."""
        self._recover()

    def _recover(self) -> None:
        """Take back what an earlier process had taken, and remove what it never acknowledged."""
        self.spool.empty_incoming()
        newest = time.time() - _SHARED_STRAY_S if self.ledger.is_shared else float("inf")
        with self.ledger.read() as connection:
            strays = self.spool.remove_strays(
                lambda path: bool(
                    connection.execute(
                        select(exists().where(instances.c.path == str(path.relative_to(self.spool.root))))
                    ).scalar()
                ),
                newest,
            )
        studies, deliveries = take_back_studies(self.ledger), take_back_deliveries(self.ledger)
        _log.info("recovered", studies=studies, deliveries=deliveries, strays=strays)

    def start(self) -> int:
        """Begin to work and to listen; return the port of the DICOM node.

        Raises `SettingInvalid`, `AddressUnavailable` or `OSError`.
        """
        settings = self.settings
        for name in ("listen", "web_listen", "studies_listen"):
            if getattr(settings, name):
                require_free(getattr(settings, name), name)
        tls = self._tls = self._read_tls()
        self._workers = self._made_workers(tls)
        self._look_at_site()
        for worker in self._workers:
            worker.start()
        if settings.web_listen:
            self._web = self._web_server(tls)
            self.web_port = self._web.start()
        if settings.studies_listen:
            self._studies = StudiesServer(settings, self.ledger, self.spool, lambda: self.site_file.site)
            self.studies_port = self._studies.start()
        self._node = DicomNode(
            settings,
            lambda: self.site_file.site,
            self.receiver,
            self.activity,
            self._commitment_reported,
            self.spool.incoming,
            None if tls is None else tls.context,
        )
        port = self._node.start()
        self._health.start(f"{settings.listen.rpartition(':')[0]}:{port}")
        health = Worker("health", self._health.look, _HEALTH_S)
        self._workers.append(health)
        health.start()
        return port

    def _made_workers(self, tls: ServerTls | None) -> list[Worker]:
        """Return what works beside the listeners, not started yet."""
        closer = Closer(
            self.ledger,
            lambda: self.site_file.site,
            self.activity,
            quiet_s=self.settings.quiet_s,
            force_s=self.settings.force_s,
        )
        janitor = Janitor(self.ledger, self.spool, self.settings)
        workers = [
            Worker("site", self._look_at_site, _LOOK_S),
            Worker("closing", closer.close_due, min(_LOOK_S, self.settings.quiet_s)),
            Worker("sweeping", self._sweep, _SWEEP_S),
            Worker("cleaning", janitor.clean, _CLEAN_S),
            Worker("analysing", lambda: asyncio.run(self.analyst.run()), _LOOK_S),
        ]
        if tls is not None:
            workers.append(Worker("certificates", tls.look, _SWEEP_S))
        if self.settings.watched_folder is not None:
            watched = WatchedFolder(self.settings.watched_folder, self.receiver, self.spool)
            workers.append(Worker("watching", watched.work, _LOOK_S))
        return workers

    def _web_server(self, tls: ServerTls | None) -> WebServer:
        """Return what answers over HTTP, not started yet."""
        collector = LedgerCollector(
            self.ledger,
            self.receiver.counts,
            self.spool.free_bytes,
            self.settings.min_free_mib << 20,
            self.fault,
            self._validity,
        )
        peers = Peers()
        node = WebNode(
            self.receiver,
            self.spool,
            self.settings.max_instance_mib,
            self.settings.max_request_mib,
            self.fault,
            lambda: page(collector),
            Admit(lambda: self.site_file.site, peers.names, Rate(self.settings.max_instances_min, "instances")),
        )
        return WebServer(node.application(), self.settings, None if tls is None else tls.context, peers)

    def stop(self) -> None:
        """Take nothing more, let what is under way end as far as it does in seconds, and close."""
        self._health.stop()
        if self._node is not None:
            self._node.stop()
        if self._web is not None:
            self._web.stop()
        if self._studies is not None:
            self._studies.stop()
        self.analyst.stop()
        workers = [*self._workers, *(worker for _, worker in self._couriers.values())]
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()
        self.ledger.close()
        self.spool.close()

    def _read_tls(self) -> ServerTls | None:
        try:
            return ServerTls.of(self.settings)
        except OSError as error:
            file = str(self.settings.tls_certificate)
            raise SettingInvalid("tls_certificate", file, f"PEM files that fit together ({error.strerror})") from error

    def fault(self) -> str | None:
        """Return why the gateway is not ready to take instances; None when it is."""
        return self.room.fault() or next(iter(problems(self._validity())), None)

    def _validity(self) -> dict[Role, Validity]:
        return {} if self._tls is None else self._tls.validity

    def _look_at_site(self) -> None:
        """Take up a changed site file, and see that every destination has its courier."""
        self.site_file.look()
        for destination in self.site_file.site.destinations:
            if destination.name not in self._couriers:
                courier = Courier(self.ledger, self.spool, self.settings, self._lookup(destination.name))
                worker = Worker(f"courier {destination.name}", courier.work, _LOOK_S)
                self._couriers[destination.name] = (courier, worker)
                worker.start()

    def _lookup(self, name: str) -> Callable[[], Destination | None]:
        return lambda: self.site_file.site.destination(name)

    def _sweep(self) -> None:
        take_back_studies(self.ledger)
        take_back_deliveries(self.ledger)

    def _commitment_reported(self, information: Dataset) -> None:
        """Take note of a report that came on an association of its own."""
        report = Report.of(information)
        for courier, _ in self._couriers.values():
            if courier.take_report(report):
                courier.report_came()
                return
        _log.warning("commitment report of nothing that was asked for", transaction=report.transaction_uid)
