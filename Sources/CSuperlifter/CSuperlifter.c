#include "CSuperlifter.h"
