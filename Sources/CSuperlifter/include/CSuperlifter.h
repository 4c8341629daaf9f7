#ifndef CSUPERLIFTER_H
#define CSUPERLIFTER_H
#endif
